"""The documents' fenced blocks, and how they are run."""

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from layerwise.cli import main

REPOSITORY = Path(__file__).parents[2]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e[+-]\d+)?")
STATUS = re.compile(r"# exit status (\d+)")
HERE = "№"

LOOSE = 0.25
"""How far a number may be from the document's, in parts of itself: another processor
rounds otherwise, and a training goes another way."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and its text.

    A first line ``# src/…`` makes it a quotation, ``# NAME.py`` a file to be written;
    ``text`` is what the block before it prints.
    """

    document: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that a Python block says it is, or an empty string."""
        named = re.match(r"# (\S+\.py)\n", self.text)
        return named[1] if named and self.language == "python" else ""

    @property
    def body(self) -> str:
        """The text without the line that names the file."""
        return self.text.split("\n", 1)[1] if self.file else self.text


def blocks_of(document: Path) -> list[Block]:
    found = FENCE.findall(document.read_text("utf-8"))
    return [Block(document.name, language, text) for language, text in found]


@dataclass
class Reader:
    """Somebody who types what a document shows, in the current folder.

    What needs MNIST is left out where no folder with it is named.
    """

    document: str
    names: dict[str, Any] = field(default_factory=dict)
    printed: str | None = None

    def follow(self, block: Block) -> None:
        """Do what one block says; what it prints is what the next ``text`` shows."""
        if block.language == "text":
            if self.printed is not None:
                compare(block.text, self.printed)
            self.printed = None
            return
        self.printed = None
        if block.file:
            Path(block.file).write_text(block.body, "utf-8")
            # What has its name already was imported from another folder.
            sys.modules.pop(Path(block.file).stem, None)
        elif block.language in RUNNERS and not needs_what_is_missing(block):
            self.printed = RUNNERS[block.language](self, block)

    def run_python(self, block: Block) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block.text, block.document, "exec"), self.names)
        return said.getvalue()

    def run_commands(self, block: Block) -> str:
        said = io.StringIO()
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if not words:
                continue
            assert words[0] == "layerwise", f"{block.document}: {line}"
            status = STATUS.search(line)
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                found = main(words[1:])
            assert found == (int(status[1]) if status else 0), said.getvalue()
        return said.getvalue()


RUNNERS: dict[str, Callable[[Reader, Block], str]] = {
    "python": Reader.run_python,
    "sh": Reader.run_commands,
}


def needs_what_is_missing(block: Block) -> bool:
    return "mnist" in block.text and "LAYERWISE_DATA" not in os.environ


def compare(shown: str, printed: str) -> None:
    """What is shown stands in what was printed: words exactly, numbers nearly.

    Lines may be broken elsewhere, and a line of dots stands for anything left out.
    """
    rest, numbers = shape(printed)
    for part in re.split(r"^\s*(?:\.\.\.|…)\s*$", shown, flags=re.MULTILINE):
        words, expected = shape(part)
        assert words in rest, f"not printed: {part}\n\nbut:\n{printed}"
        before, rest = rest.split(words, 1)
        numbers = numbers[before.count(HERE) :]
        for want, got in zip(expected, numbers, strict=False):
            assert got == pytest.approx(want, rel=LOOSE, abs=0.02), part
        numbers = numbers[len(expected) :]


def shape(text: str) -> tuple[str, list[float]]:
    """Return the text with a mark for every number, without breaks, and the numbers."""
    numbers = [float(n.rstrip(",").replace(",", "")) for n in NUMBER.findall(text)]
    return " ".join(NUMBER.sub(HERE, text).split()), numbers


@pytest.fixture(scope="session")
def documents() -> list[Path]:
    """The documents, and the README."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def read_blocks() -> Callable[[Path], list[Block]]:
    return blocks_of


@pytest.fixture
def follow(tmp_path, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Run every block of a document, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(name: str) -> None:
        reader = Reader(name)
        for block in blocks_of(REPOSITORY / "docs" / name):
            if not block.file.startswith("src/"):
                reader.follow(block)

    return run
