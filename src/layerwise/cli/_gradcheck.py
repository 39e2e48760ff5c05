"""The command ``gradcheck``: of our own layers, of a sheet, of a folder of sheets."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import tyro

from layerwise.cli._options import DONE, FAILED, File, Flag, Outcome, shown, whole
from layerwise.cli._targets import imported_module
from layerwise.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.model import GradientReport
    from layerwise.sheets import Sheet

Text: TypeAlias = Annotated[str | None, shown("TEXT")]


@dataclass(frozen=True, kw_only=True)
class GradcheckCommand:
    """Check hand-written gradients; name the slip, and its line.

    Examples
    --------
        layerwise gradcheck
        layerwise gradcheck sheet.py
        layerwise gradcheck sheet.py:Linear
        layerwise gradcheck exercise.ipynb --points Linear=3,ReLU=1 --json
        layerwise gradcheck handed-in --points Linear=3,ReLU=1 --out marks.csv
        layerwise gradcheck mypackage.layers:Swish --shape 7
    """

    target: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")
    ] = None
    """sheet (.py, .ipynb), folder of sheets, FILE.py:NAME or package.module:NAME; by
    default all of layerwise's own"""
    kind: Annotated[str | None, shown("KIND"), tyro.conf.arg(name="as")] = None
    """what the target is: layer, loss, update, network, function or scalar"""
    names: Text = None
    """the sheet's own names: weight=theta,grad_weight=theta_bar,forward=apply"""
    points: Text = None
    """points for each part: Linear=3,ReLU=1"""
    out: File = None
    """CSV file for the marks of a folder; default: marks.csv"""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 60.0
    """time limit for each sheet of a folder"""
    memory_limit: Annotated[float, tyro.conf.arg(metavar="GB")] = 2.0
    """memory limit for each sheet of a folder, beyond the libraries (Linux)"""
    shape: Annotated[str, tyro.conf.arg(metavar="SHAPE")] = "5"
    """shape of one input, for a layer of layerwise's form: 5 or 4,3"""
    seed: int = 0
    """seed for the random points and directions"""
    json: Flag = False
    """print the checks as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        shape = tuple(whole(n, "--shape") for n in self.shape.split(","))
        if self.target is None:
            return self._own(console, shape)
        if Path(self.target).is_dir():
            return self._folder(console, Path(self.target))
        return self._named(console, self.target, shape)

    def _own(self, console: "Console", shape: tuple[int, ...]) -> Outcome:
        """Check all of layerwise's own."""
        from layerwise.model import gradcheck, own_targets

        reports: list[GradientReport] = []
        head = f"{'relative error against':<56} {'differences':>11} {'automatic':>11}"
        console.print(head, soft_wrap=True)
        for name, target in own_targets().items():
            report = gradcheck(target, shape=shape, seed=self.seed)
            reports.append(report)
            text = f"ok    {name:<50} {report.worst('differences'):11.1e}"
            text += f" {report.worst('automatic'):11.1e}"
            console.print(text if report else str(report), soft_wrap=True)
        return self._ended(console, reports)

    def _ended(self, console: "Console", reports: list["GradientReport"]) -> Outcome:
        passed = sum(report.passed for report in reports)
        witnessed = any(c.witness == "automatic" for r in reports for c in r.checks)
        console.print(
            f"{passed} of {len(reports)} passed: errors against central differences, "
            "relative to the gradient"
            + ", and against automatic differentiation"
            * witnessed
        )
        status = DONE if passed == len(reports) else FAILED
        return status, [asdict(report) for report in reports]

    def _named(
        self, console: "Console", target: str, shape: tuple[int, ...]
    ) -> Outcome:
        """Check a sheet, or one thing in it."""
        from layerwise.sheets import checked_sheet, gradcheck, is_own_form, own_names

        options = self._options()
        sheet, only = _sheet_of(target)
        found = sheet.namespace.get(only) if only else None
        if found is not None and is_own_form(found, options["kind"]):
            report = gradcheck(found, shape=shape, seed=self.seed)
            console.print(str(report), soft_wrap=True)
            return self._ended(console, [cast("GradientReport", report)])
        names = own_names(_pairs(self.names, "--names"))
        marks = checked_sheet(sheet, names, only=only or None, **options)
        console.print(str(marks), soft_wrap=True)
        return marks.exit_status, marks.summary()

    def _folder(self, console: "Console", folder: Path) -> Outcome:
        """Check every sheet of a folder, each in a process of its own."""
        from rich.progress import Progress

        from layerwise.files import refuse_no_file
        from layerwise.sheets import Limits, marked_folder, sheets_in, write_csv

        file = refuse_no_file(self.out or "marks.csv", "--out")
        if file.exists():
            raise InputError(f"--out {file} exists: name a new file")
        for option in ("time_limit", "memory_limit"):
            if not 0 < (value := getattr(self, option)) < math.inf:
                named = f"--{option.replace('_', '-')}"
                raise InputError(f"{named} {value}: give a number above 0")
        options = self._options() | {"names": _pairs(self.names, "--names")}
        limits = Limits(self.time_limit, int(self.memory_limit * 2**30))
        quiet = not console.is_terminal
        with Progress(console=console, disable=quiet, transient=True) as bar:
            task = bar.add_task("sheets", total=len(sheets_in(folder)))
            rows = marked_folder(
                folder,
                options,
                limits,
                lambda done, _: bar.update(task, completed=done),
            )
        write_csv(rows, file)
        for status in ("right", "wrong", "error"):
            console.print(f"{sum(r.status == status for r in rows):5} {status}")
        console.print(f"marks in {file}", soft_wrap=True)
        statuses = {row.exit_status for row in rows}
        status = FAILED if FAILED in statuses else max(statuses)
        return status, [asdict(row) for row in rows]

    def _options(self) -> dict[str, Any]:
        from layerwise.sheets import KINDS

        if self.kind is not None and self.kind not in KINDS:
            raise InputError(f"--as {self.kind}: give one of {', '.join(KINDS)}")
        points = _pairs(self.points, "--points")
        try:
            worth = {name: float(value) for name, value in points.items()}
        except ValueError:
            worth = {"": math.nan}
        if not all(0 <= value < math.inf for value in worth.values()):
            raise InputError(f"--points {self.points}: give Linear=3,ReLU=1")
        return {"kind": self.kind, "points": worth, "seed": self.seed}


def _sheet_of(target: str) -> tuple["Sheet", str]:
    """Return the sheet that a target names, and the name in it, if there is one."""
    from layerwise.sheets import read_sheet, sheet_around

    if target.endswith((".py", ".ipynb")):
        return read_sheet(Path(target)), ""
    place, colon, name = target.rpartition(":")
    if not colon:
        raise InputError(
            f"{target}: name a sheet (.py or .ipynb), a folder of sheets, FILE.py:NAME "
            "or package.module:NAME"
        )
    if place.endswith((".py", ".ipynb")):
        sheet = read_sheet(Path(place))
    else:
        sheet = sheet_around(imported_module(place))
    if name not in sheet.namespace:
        raise InputError(f"{place} has no {name!r}")
    return sheet, name


def _pairs(text: str | None, option: str) -> dict[str, str]:
    """Return what an option of the form ``name=value,name=value`` says."""
    pairs: dict[str, str] = {}
    for part in (text or "").split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if text and not (name and equals and value):
            raise InputError(f"{option} {text}: {part!r} is not of the form name=value")
        if name:
            pairs[name] = value
    return pairs
