"""The command line: parse, call, print. No mathematics."""

from layerwise.cli._main import main

__all__ = ["main"]
