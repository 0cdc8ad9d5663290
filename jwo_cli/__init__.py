"""jwo: an open, self-hosted toolkit that runs walk-out stores."""

__version__ = "0.1.0"
