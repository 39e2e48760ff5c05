"""From a command line to an exit status."""

import contextlib
import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from layerwise.cli._commands import COMMANDS, INTERRUPTED
from layerwise.errors import InputError, LayerwiseError, MachineError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["main"]

SUMMARY = (
    "Train a network by hand-derived backpropagation, then see what each layer knows."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0 done; 1 a check failed; 2 the input is wrong; 3 the training diverged; 4 the
    machine failed us; 130 interrupted.
    """
    try:
        command = _parsed(sys.argv[1:] if argv is None else argv)
        return command(_console(stderr=command.json))
    except LayerwiseError as error:
        print(f"layerwise: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("layerwise: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (OSError, MemoryError) as error:
        print(f"layerwise: the machine failed: {error}", file=sys.stderr)
        return MachineError.exit_status


def _parsed(argv: Sequence[str]) -> Any:
    """Return the command with its settings; a wrong option is one line."""
    subcommands = tuple(
        Annotated[command, tyro.conf.subcommand(name)]
        for name, command in COMMANDS.items()
    )
    union: Any = subcommands[0]
    for subcommand in subcommands[1:]:
        union = union | subcommand
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(
                union,
                args=list(argv) or ["--help"],
                prog="layerwise",
                description=SUMMARY,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise InputError(_one_line(said.getvalue())) from None


def _one_line(panel: str) -> str:
    """Return the message of the parser's panel, without its frame and its help."""
    lines: list[str] = []
    for line in panel.splitlines():
        inside = line.strip().removeprefix("│").removesuffix("│").strip()
        if inside.startswith("──"):
            break
        if line.startswith("│") and inside:
            lines.append(inside)
    return f"{' '.join(lines)} (layerwise COMMAND --help lists what there is)"


def _console(stderr: bool) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)
