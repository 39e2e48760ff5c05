"""What a sheet was found to be: the records that are printed, kept and compared."""

import html
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Fault", "Mark", "Marks", "Status"]

Status: TypeAlias = Literal["right", "wrong", "error", "unclear"]

SIGNS = {"right": "ok  ", "wrong": "FAIL", "error": "FAIL", "unclear": "??? "}


@dataclass(frozen=True)
class Fault:
    """One gradient that is wrong.

    Parameters
    ----------
    array : str
        The parameter or input; an empty string where nothing could be run.
    size : str
        Which entries are wrong, and how far off.
    slip : str
        The slip's name, an empty string where no undoing made the check pass.
    words : str
        The sentence for the student.
    line : int
        Where in the sheet it is; 0 where that is not known.
    place : str
        The same as a reader finds it: a line, or a cell and a line.
    code : str
        That line.
    formula : str
        What belongs there.
    """

    array: str
    size: str
    slip: str
    words: str
    line: int = 0
    place: str = ""
    code: str = ""
    formula: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, with the array where it is one."""
        return f"{self.array}: {self.words}" if self.array else self.words

    def __str__(self) -> str:
        lines = [self.sentence + (f" ({self.size})" * bool(self.size))]
        if self.code:
            lines.append(f"  {self.place}: {self.code}")
        if self.formula:
            lines.append(f"  formula: {self.formula}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Mark:
    """What one part of a sheet was found to be; true where it is right.

    Parameters
    ----------
    name : str
        As the sheet calls it.
    kind : str
        ``layer``, ``function``, ``loss``, ``update``, ``network``, ``scalar``.
    said : str
        What it was recognised as.
    status : str
        ``right``, ``wrong``, ``error`` (it raises an exception), ``unclear`` (it uses
        a part that is wrong).
    faults : tuple of Fault
        What is wrong.
    warnings : tuple of str
        What is right, but fragile.
    notes : tuple of str
        What else to know, as how many kinks were left out.
    witnesses : tuple of str
        What its gradients were compared with.
    points, of : float
        Earned, and what the part is worth.
    """

    name: str
    kind: str
    said: str
    status: Status
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    points: float = 0.0
    of: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the part is right."""
        return self.status == "right"

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.status]} {self.name}: {self.said}"]
        for fault in self.faults:
            lines += [f"     {line}" for line in str(fault).splitlines()]
        lines += [f"     warning: {warning}" for warning in self.warnings]
        lines += [f"     {note}" for note in self.notes]
        if self.of:
            lines[0] += f" [{self.points:g} of {self.of:g} points]"
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class Marks:
    """What a sheet was found to be; true where every part is right.

    Parameters
    ----------
    sheet : str
        Its name.
    parts : tuple of Mark
        Every part.
    unread : tuple of str
        Names of what is no part that can be checked.
    """

    sheet: str
    parts: tuple[Mark, ...]
    unread: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether every part is right."""
        return bool(self.parts) and all(part.passed for part in self.parts)

    @property
    def points(self) -> float:
        """The points earned."""
        return sum(part.points for part in self.parts)

    @property
    def exit_status(self) -> int:
        """0 right, 1 something is wrong, 2 something could not be run."""
        statuses = {part.status for part in self.parts}
        if statuses <= {"right"}:
            return 0
        return 1 if "wrong" in statuses else 2

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        right = sum(part.passed for part in self.parts)
        lines = [str(part) for part in self.parts]
        if self.unread:
            lines.append(
                f"not checked: {', '.join(self.unread)} (no gradient was recognised)"
            )
        witnessed = sum("automatic differentiation" in p.witnesses for p in self.parts)
        also = f", {witnessed} of them also to automatic differentiation" * bool(
            witnessed
        )
        lines.append(
            f"{self.sheet}: {right} of {len(self.parts)} parts are right, compared to "
            f"central differences{also}"
        )
        worth = sum(part.of for part in self.parts)
        if worth:
            lines[-1] += f", {self.points:g} of {worth:g} points"
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def sentences(self) -> list[str]:
        """Return what to tell the student: a sentence for each fault."""
        said: list[str] = []
        for part in self.parts:
            for fault in part.faults:
                where = f", {fault.place}" if fault.place else ""
                said.append(f"{part.name}{where}: {fault.sentence}")
        return said

    def summary(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "sheet": self.sheet,
            "passed": self.passed,
            "points": self.points,
            "of": sum(part.of for part in self.parts),
            "parts": [asdict(part) | {"passed": part.passed} for part in self.parts],
            "sentences": self.sentences(),
            "unread": list(self.unread),
        }
