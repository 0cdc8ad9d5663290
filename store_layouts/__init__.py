"""Layouts that ship with jwo: one TOML file each, with its catalogue and planogram beside it."""
