"""The command line: `satchel.cli:main` is the click command. It calls the Python API and holds no rules."""

from satchel.cli.program import main

__all__ = ["main"]
