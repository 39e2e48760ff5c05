"""Write ``docs/cli.md`` from the commands' own help: python docs/make_cli.py."""

import contextlib
import io
import os
from pathlib import Path
from unittest.mock import patch

from layerwise.cli import main

__all__ = ["document"]

PAGE = Path(__file__).with_name("cli.md")

WIDTH = "90"
"""Columns that the help is laid out for."""

HEAD = """# Commands

What each command's `--help` says. `docs/make_cli.py` writes this page, and a test \
compares it with the program.
"""

COMMANDS = (
    "run", "data", "train", "inspect", "predict", "export", "merge", "gradcheck",
    "explain", "sweep", "compare", "report", "diagnose",
)  # fmt: skip


def document() -> str:
    """Return the page: the overview, then a section for each command."""
    sections = [HEAD, _fenced([])]
    for command in COMMANDS:
        sections += [f"## layerwise {command}\n", _fenced([command])]
    return "\n".join(sections)


def _fenced(command: list[str]) -> str:
    lines = [line.rstrip() for line in _help(command).splitlines()]
    return "```\n" + "\n".join(lines).strip() + "\n```\n"


def _help(command: list[str]) -> str:
    said = io.StringIO()
    with (
        patch.dict(os.environ, COLUMNS=WIDTH),
        contextlib.redirect_stdout(said),
        contextlib.suppress(SystemExit),
    ):
        main([*command, "--help"])
    return said.getvalue()


if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8", newline="\n")
