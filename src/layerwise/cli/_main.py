"""From a command line to an exit status; what a process owes its shell on the way."""

import difflib
import gc
import inspect
import io
import itertools
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import tyro

from layerwise import interrupts, ranks
from layerwise.cli._commands import COMMANDS, Command
from layerwise.cli._options import DONE, FAILED, INTERRUPTED
from layerwise.errors import InputError, LayerwiseError, MachineError
from layerwise.wording import listed

ENDED_BY = 128
"""What a shell adds to the number of a signal: the exit status."""

SOON = 0.02
"""Seconds until it is asked again whether a library has been loaded."""

IN_SEVERAL = ("run", "train", "inspect")
"""Commands that several processes do together, under ``torchrun``."""

OBJECTS = 50_000
"""Made, and not gone again, before cycles among them are looked for."""


def _of_choices(wrong: re.Match[str]) -> str:
    _, given, option, listed = wrong.groups()
    # They are listed as a set has them, and with the None of what may be left out.
    known = sorted(set(re.findall("'(.+?)'", listed)) - {"None"})
    return f"{option} {given}: give one of {', '.join(known)}"


def _lacking(wrong: re.Match[str]) -> str:
    """Name the arguments that are missing; the parser adds the help of each."""
    return f"give {listed(re.findall(r'(?:^|[)] )([A-Z]+)', wrong[1]))}"


REWORDED: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"Error parsing (\S+): .*for int\(\) with base 10: (.)(.*)\2": (
        r"\1 \3: give a whole number"
    ),
    r"Error parsing (\S+): .*string to float: (.)(.*)\2": r"\1 \3: give a number",
    r"invalid choice (.)(.*)\1 for argument '(\S+)'\. Expected one of (.*)": (
        _of_choices
    ),
    r"Missing from layerwise \S+: (.*)": _lacking,
    r"Missing value for argument '(\S+)'\. Expected 1 values\.": r"\1: give a value",
}
"""What the parser says, and what a user is told instead."""

SUMMARY = (
    "Train a network by hand-derived backpropagation, then see what each layer knows."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0 done; 1 a check failed, or whoever read the output left (``| head``); 2 the input
    is wrong; 3 the training diverged; 4 the machine failed us; 130 interrupted, 143 by
    SIGTERM.
    """
    if _is_imported_by_a_new_process():
        return DONE
    with _usable_streams():
        try:
            with _seldom_collecting(), _noted_stops() as stops:
                status = _status(sys.argv[1:] if argv is None else argv)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still to be written when Python ends would fail once more, loudly.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
    return ENDED_BY + stops[0] if stops else status


@contextmanager
def _seldom_collecting() -> Generator[None]:
    """Look for unreachable cycles less often in this block.

    Loading libraries and drawing make objects by the hundred thousand that stay: in a
    run on MNIST Python would look through them 800 times, for half a second.
    """
    before = gc.get_threshold()
    if before[0]:  # else it is switched off
        gc.set_threshold(max(before[0], OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _is_imported_by_a_new_process() -> bool:
    """Return whether multiprocessing runs the caller's script in a process it begins.

    It does so to know what the script defines; one that calls us without asking for
    ``__name__ == "__main__"`` would have it all done again in each of our workers.
    """
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return False
    return bool(getattr(processes.current_process(), "_inheriting", False))


def _status(argv: Sequence[str]) -> int:
    try:
        name, command = _parsed(argv)
        return _done(name, command)
    except LayerwiseError as error:
        # Ranks fail together, except where one of them is lost.
        alone = ranks.is_first() or isinstance(error, MachineError)
        if alone or not ranks.said_by_first():
            print(f"layerwise{_rank()}: {error}", file=sys.stderr, flush=True)
        if ranks.is_first():
            ranks.note_said()
        return error.exit_status
    except KeyboardInterrupt as stop:
        notes = getattr(stop, "__notes__", ())  # how to go on, where there is a run
        print("; ".join(["layerwise: interrupted", *notes]), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (OSError, MemoryError) as error:
        print(f"layerwise: the machine failed: {error}", file=sys.stderr)
        return MachineError.exit_status


def _rank() -> str:
    """Name this process, where there are several and it is not the first."""
    return "" if ranks.is_first() else f", rank {ranks.rank()}"


def _done(name: str, command: "Command") -> int:
    """Do what a command says; of several processes only the first one prints."""
    from rich.console import Console

    from layerwise.files import json_text

    if ranks.world_size() > 1 and name not in IN_SEVERAL:
        raise InputError(
            f"{name} is for one process: start it without torchrun; "
            f"{', '.join(IN_SEVERAL)} are for several"
        )
    with ExitStack() as stack:
        if not ranks.is_first():
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            stack.enter_context(redirect_stdout(nowhere))
        console = Console(
            stderr=command.json,
            highlight=False,
            quiet=not ranks.is_first(),
            # In a path or a name [red] and :smile: are text.
            markup=False,
            emoji=False,
        )
        status, found = command(console)
        if command.json and found is not None:
            print(json_text(found))
        ranks.leave()
        return status


def _parsed(argv: Sequence[str]) -> tuple[str, "Command"]:
    """Return the command's name, and the command with its settings.

    A wrong option is one line.
    """
    name, *options = argv or ["--help"]
    if name in ("-h", "--help"):
        print(_overview(), flush=True)
        raise SystemExit(0)
    if name == "--version":
        from importlib.metadata import version

        print(f"layerwise {version('layerwise')}", flush=True)
        raise SystemExit(0)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f": {', '.join(COMMANDS)}"
        raise InputError(f"{name!r} is not a command{hint}")
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return name, tyro.cli(
                COMMANDS[name],
                args=options,
                prog=f"layerwise {name}",
                description=inspect.getdoc(COMMANDS[name]),
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        message = _one_line(said.getvalue())
        raise InputError(f"{message} (see: layerwise {name} --help)") from None


def _overview() -> str:
    """Return what the commands are, a line or two each."""
    lines = [SUMMARY, "", "usage: layerwise COMMAND [OPTIONS]", ""]
    for name, command in COMMANDS.items():
        summary = (inspect.getdoc(command) or "").split("\n\n")[0]
        lines.append(f"  {name:<11}{' '.join(summary.split())}")
    lines += [
        "",
        "Start with:           layerwise run iris",
        "Your own table:       layerwise run FILE.csv --target COLUMN",
        "Options and examples: layerwise COMMAND --help",
    ]
    return "\n".join(lines)


def _one_line(panel: str) -> str:
    """Return the message of the parser's panel, without its frame and its help.

    The message stands between the title, which is part of the frame where the output
    knows Unicode and the first line where it does not, and the next rule.
    """
    rows = [row.strip().strip("│|").strip() for row in panel.splitlines()]
    rows = [row for row in rows if row and row[0] not in "╭╰"]
    if "╭" not in panel:
        rows = rows[2:]
    lines = itertools.takewhile(lambda row: row.strip("─-"), rows)
    message = " ".join(lines)
    for pattern, wording in REWORDED.items():
        message = re.sub(pattern, wording, message)
    near = re.search(r"Perhaps you meant:[\s│|]*(--[\w-]+)", panel)
    return f"{message}; did you mean {near[1]}?" if near else message


@contextmanager
def _usable_streams() -> Generator[None]:
    """Have standard streams in this block that take any text, be they closed.

    What the terminal's encoding lacks is replaced by a question mark.
    """
    with ExitStack() as stack:
        # Else the next file that is opened is what libraries take for the output.
        while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
            stack.callback(os.close, free)
        os.close(free)
        for stream, redirected in (
            (sys.stdout, redirect_stdout),
            (sys.stderr, redirect_stderr),
        ):
            if stream is None:  # pyright: ignore[reportUnnecessaryComparison]
                nowhere = stack.enter_context(Path(os.devnull).open("w"))
                stack.enter_context(redirected(nowhere))
            elif isinstance(stream, TextIOWrapper):
                stack.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="replace")
        yield


def _is_loading(frame: FrameType | None) -> bool:
    """Return whether something is being imported here."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _noted_stops() -> Generator[Sequence[int]]:
    """Have Ctrl-C and SIGTERM interrupt this block, and note which of them came.

    While a library is loading they wait: some crash when they are interrupted then. A
    second SIGTERM ends the process at once. Several processes of a job note signals by
    themselves; see `ranks.stops_noted`.
    """
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if came and number == signal.SIGTERM:
            os._exit(ENDED_BY + number)
        if _is_loading(frame):
            again = threading.Timer(SOON, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        came.append(number)
        raise KeyboardInterrupt

    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    alone = ranks.world_size() == 1
    ours = [n for n, h in usual.items() if alone and signal.getsignal(n) == h]
    with interrupts.handled(ours, stop):
        yield came
