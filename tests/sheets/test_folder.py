"""Folders of sheets: one that misbehaves costs no other."""

import csv
import json
import sys
import threading
from pathlib import Path

import pytest

from layerwise.cli import main
from layerwise.sheets import Limits, Row, marked_folder, write_csv

GOOD = """
import numpy as np
class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)
    def backward(self, g):
        return g * (self.x {sign} 0)
"""

HOSTILE = {
    "hangs": "while True: pass",
    "exits": "import os; os._exit(0)",
    "leaves": "raise SystemExit",
    "reads": "input('your name? ')",
    "prints": "for _ in range(3000): print('x' * 10_000)\nraise ValueError('at last')",
    "eats": "held = [bytearray(1 << 24) for _ in range(1 << 10)]",
    "recurses": "def f(): return f()\nf()",
    "begins": "import subprocess as s\ns.Popen(['sleep', '1000'])\nwhile True: pass",
    "kills": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "waits": "class Linear:\n    def forward(self, x):\n        while True: pass\n"
    "    def backward(self, g): return g\n",
}

LIMITED = Limits(seconds=4.0, memory=1 << 30)

WHY = {
    "hangs": "longer than 4 s", "exits": "ended its process", "leaves": "SystemExit",
    "reads": "EOFError", "prints": "at last", "eats": "MemoryError",
    "recurses": "RecursionError", "begins": "longer than 4 s",
    "kills": "ended its process", "waits": "longer than 4 s",
}  # fmt: skip


def hand_in(folder: Path, good: int, wrong: int) -> None:
    for n in range(good + wrong):
        sign = ">" if n < good else "<"
        (folder / f"student{n:03}.py").write_text(GOOD.format(sign=sign))


def test_a_folder_is_one_row_each(folder, capsys):
    hand = folder / "handed-in"
    (hand / "late").mkdir(parents=True)
    hand_in(hand, 1, 1)
    (hand / "late" / "empty.py").write_text("x = 1\n")
    (hand / "notes.txt").write_text("no sheet")
    assert main(["gradcheck", "handed-in", "--points", "ReLU=2", "--json"]) == 1
    out = json.loads(capsys.readouterr().out)
    assert [row["exit_status"] for row in out] == [2, 0, 1]
    with Path("marks.csv").open(encoding="utf-8") as file:
        rows = {row["sheet"]: row for row in csv.DictReader(file)}
    assert list(rows) == [str(Path("late/empty.py")), "student000.py", "student001.py"]
    assert rows["student000.py"]["points"] == "2.0"
    wrong = rows["student001.py"]
    cells = [wrong[name] for name in ("status", "points", "wrong")]
    assert cells == ["wrong", "0.0", "ReLU"]
    assert "the derivative of the other branch is used" in wrong["sentences"]
    empty = rows[str(Path("late/empty.py"))]
    assert "nothing that can be checked" in empty["sentences"]
    assert main(["gradcheck", "handed-in"]) == 2
    assert "marks.csv exists: name a new file" in capsys.readouterr().err
    assert main(["gradcheck", "handed-in", "--out", "none/marks.csv"]) == 2
    assert "there is no folder none" in capsys.readouterr().err


def test_a_name_that_a_spreadsheet_would_run_is_disarmed(folder):
    write_csv([Row("=HYPERLINK(1).py", 2, error="@SUM(1)")], folder / "marks.csv")
    with Path("marks.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["sheet"] == "'=HYPERLINK(1).py"
    assert row["sentences"] == "'@SUM(1)"


def test_a_folder_may_lie_anywhere_and_hold_folders_with_the_name_of_a_sheet(
    folder, monkeypatch, capsys
):
    hand = folder / ".marking" / "handed-in"
    (hand / "week1.py").mkdir(parents=True)
    hand_in(hand, 1, 0)
    (hand / ".ipynb_checkpoints").mkdir()
    (hand / ".ipynb_checkpoints" / "old.py").write_text("x = 1\n")
    monkeypatch.chdir(hand / "week1.py")
    assert main(["gradcheck", "../../handed-in"]) == 0
    assert "1 right" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["--time-limit", "--memory-limit"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_limit_is_a_number_above_0(folder, refused, limit, value):
    (folder / "sheets").mkdir()
    said = refused("gradcheck", "sheets", limit, value)
    assert f"{limit} {float(value)}: give a number above 0" in said


def test_a_folder_without_sheets_is_refused(folder, refused):
    (folder / "none").mkdir()
    assert "holds no .py or .ipynb file" in refused("gradcheck", "none")


@pytest.mark.slow("hostile sheets")
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_hostile_sheets_cost_no_other(folder):
    hand_in(folder, 150, 40)
    for name, text in HOSTILE.items():
        (folder / f"hostile_{name}.py").write_text(text)
    done: list[int] = []
    rows = marked_folder(folder, {}, LIMITED, lambda n, _: done.append(n))
    assert done == list(range(1, 201))
    found = {row.sheet: row for row in rows}
    statuses = [found[f"student{n:03}.py"].exit_status for n in range(190)]
    assert statuses == [0] * 150 + [1] * 40
    for name, why in WHY.items():
        row = found[f"hostile_{name}.py"]
        assert (row.exit_status, why in row.error) == (2, True) or any(
            why in fault["words"]
            for part in row.summary["parts"]
            for fault in part["faults"]
        ), row
    assert threading.active_count() < 10
