"""The recording that `jwo demo` replays, made by the synthetic room."""
