"""`python -m faena.cli` is the `faena` command."""

from faena.cli.main import main

main()
