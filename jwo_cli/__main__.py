"""`python -m jwo_cli` is `jwo`."""

from jwo_cli.app import main

main()
