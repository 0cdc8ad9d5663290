"""Layouts that come with jwo; `jwo_cli.layouts.bundled()` lists them."""
