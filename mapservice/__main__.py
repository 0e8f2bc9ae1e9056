"""`python -m mapservice` is the `mapservice` command."""

from mapservice.cli import main

main()
