"""The documents' fenced blocks, and how they are run."""

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from layerwise.cli import main

REPOSITORY = Path(__file__).parents[2]

FENCE = re.compile(
    r"^## (?P<section>[^\n]*)$"
    r"|^(?:<!-- (?:any|within (?P<percent>\d+) %):"
    r" (?P<looser>[^:\n]+): \S[^\n]* -->\n)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e[+-]\d+)?")
STATUS = re.compile(r"# exit status (\d+)")
HERE = "№"

WITHIN = 2
"""How far a number may be from the document's, in percent of itself. A comment above a
block names those that may be further, and says why:
``<!-- within 10 %: 0.133, 0.115: … -->``, or ``any`` in place of ``within 10 %``."""


@dataclass(frozen=True)
class Block:
    """A fenced block: the heading above it, its language, and its text.

    A first line ``# src/…`` makes it a quotation, ``# NAME.py`` a file to be written;
    ``text`` is what the block before it prints, ``looser`` how many percent some of its
    numbers may be from that.
    """

    document: str
    section: str
    looser: Mapping[float, float]
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
    found, section = [], ""
    for match in FENCE.finditer(document.read_text("utf-8")):
        if match["section"] is not None:
            section = match["section"]
            continue
        percent, named = float(match["percent"] or "inf"), match["looser"] or ""
        looser = dict.fromkeys(shape(named)[1], percent)
        assert looser.keys() <= set(shape(match["text"])[1]), match["text"]
        block = Block(document.name, section, looser, match["language"], match["text"])
        found.append(block)
    return found


@dataclass
class Reader:
    """Somebody who types what a document shows, in the current folder.

    What needs MNIST is left out where no folder with it is named.
    """

    names: dict[str, Any] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    compared: bool = True
    complete: bool = True

    def follow(self, block: Block) -> None:
        """Do what one block says, or find what it shows in what was printed.

        The first ``text`` after a block is of what that printed, a further one of
        anything before it.
        """
        if block.language == "text":
            outputs = self.printed if self.compared else self.printed[-1:]
            found = any(compare(block, output) for output in reversed(outputs))
            assert found or not self.complete, f"{block.text}\nnot in:\n{outputs}"
            self.compared = True
        elif block.file:
            Path(block.file).write_text(block.body, "utf-8")
            # What has its name already was imported from another folder.
            sys.modules.pop(Path(block.file).stem, None)
        elif block.language in RUNNERS and needs_what_is_missing(block):
            self.complete = False
        elif block.language in RUNNERS:
            self.printed.append(RUNNERS[block.language](self, block))
            self.compared = not self.printed[-1]

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


def compare(shown: Block, printed: str) -> bool:
    """Whether the words that are shown were printed; then the numbers must be near.

    Lines may be broken elsewhere, and a line of dots stands for anything left out.
    """
    rest, numbers = shape(printed)
    for part in re.split(r"^\s*(?:\.\.\.|…)\s*$", shown.text, flags=re.MULTILINE):
        words, expected = shape(part)
        if words not in rest:
            return False
        before, rest = rest.split(words, 1)
        numbers = numbers[before.count(HERE) :]
        for want, got in zip(expected, numbers, strict=False):
            within = shown.looser.get(want, WITHIN) / 100
            assert abs(got - want) <= within * abs(want), part
        numbers = numbers[len(expected) :]
    return True


def shape(text: str) -> tuple[str, list[float]]:
    """Return the text with a mark for every number, without breaks, and the numbers."""
    numbers = [float(n.rstrip(",").replace(",", "")) for n in NUMBER.findall(text)]
    return " ".join(NUMBER.sub(HERE, text).split()), numbers


@pytest.fixture(scope="session")
def documents() -> list[Path]:
    """The documents, and the README."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def read_blocks() -> Callable[[Path], list[Block]]:
    return blocks_of


@pytest.fixture(scope="session")
def read() -> Callable[..., Reader]:
    """Runs every block of a document, or of a section of it, in the current folder."""

    def read(name: str, section: str | None = None, **names: Any) -> Reader:
        reader = Reader(names)
        for block in blocks_of(REPOSITORY / "docs" / name):
            if not block.file.startswith("src/") and section in (None, block.section):
                reader.follow(block)
        return reader

    return read


@pytest.fixture
def follow(read, tmp_path, monkeypatch) -> Callable[..., Reader]:
    """Runs a document's blocks in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return read
