"""Bars for what takes long: how much is done, and how long the rest will take."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from layerwise.presentation._text import speed
from layerwise.sweeps import OUTCOMES, Sweep
from layerwise.training import Progress
from layerwise.wording import count, number, percent

if TYPE_CHECKING:
    from rich.console import Console

AnyBar = TypeVar("AnyBar", bound="_Bar")


class _Bar:
    """What is going on, a bar, its figures, and the time that is left.

    Nothing is written where the console is no terminal.

    Parameters
    ----------
    console : rich Console
    title : str
        What stands before the bar.
    """

    def __init__(self, console: "Console", title: str) -> None:
        from rich.progress import (
            BarColumn,
            Progress as Bar,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.quiet,
        )
        self._task: Any = self._bar.add_task(title, total=None, figures="")

    def __enter__(self: AnyBar) -> AnyBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def _show(self, done: int, total: int, figures: str, **changes: Any) -> None:
        self._bar.update(
            self._task, completed=done, total=total, figures=figures, **changes
        )


class TrainingBar(_Bar):
    """A bar while a network trains: loss, accuracy, speed, epoch.

    Parameters
    ----------
    console : rich Console
    every : int, optional
        Also print a line every so many steps, on a terminal or not.

    Examples
    --------
    >>> from rich.console import Console
    >>> import layerwise as lw
    >>> with TrainingBar(Console()) as watch:
    ...     result = lw.fit(lw.MLP([]), lw.load("iris"), epochs=1, watch=watch)
    """

    def __init__(self, console: "Console", every: int | None = None) -> None:
        super().__init__(console, "epoch –")
        self._every = every
        self._printed = 0

    def __call__(self, progress: Progress) -> None:
        """Show how far the training is."""
        if self._every:
            self._log(progress, self._every)
        done = progress.step * progress.epochs // max(progress.total_steps, 1)
        self._show(
            progress.step,
            progress.total_steps,
            f"loss {number(progress.loss)}  accuracy {percent(progress.accuracy)}"
            f"{speed(progress.steps_per_second, '  {} steps/s')}",
            description=f"epoch {min(done + 1, progress.epochs)}/{progress.epochs}",
        )

    def _log(self, progress: Progress, every: int) -> None:
        """Print the steps since the last line that are multiples of ``every``."""
        losses, accuracies = progress.history.losses, progress.history.accuracies
        first = (self._printed // every + 1) * every
        for step in range(first, len(losses) + 1, every):
            self._bar.console.print(
                f"step {step:>8,}  loss {losses[step - 1]:<10.4g}  "
                f"accuracy {percent(float(accuracies[step - 1]))}"
            )
            self._printed = step


class SweepBar(_Bar):
    """A bar while a sweep goes on: trainings done, and what became of them.

    Parameters
    ----------
    console : rich Console
    sweep : Sweep
        What was done before.
    """

    def __init__(self, console: "Console", sweep: Sweep) -> None:
        super().__init__(console, "trainings")
        self._total = len(sweep)
        self(sweep)

    def __call__(self, sweep: Sweep) -> None:
        """Show how far the sweep is."""
        outcomes = [point.outcome for point in sweep.points]
        parts = [f"{len(outcomes)}/{self._total}"]
        parts += [f"{outcomes.count(name)} {name}" for name in OUTCOMES]
        self._show(len(outcomes), self._total, "  ".join(parts))


class RowsBar(_Bar):
    """A bar while rows pass by whose number is not known before the last."""

    def __init__(self, console: "Console") -> None:
        super().__init__(console, "rows")

    def __call__(self, done: int) -> None:
        """Show how many rows were passed."""
        self._bar.update(self._task, figures=count(done))


class PassBar(_Bar):
    """A bar while rows pass by: how many of how many, and how long it will take."""

    def __init__(self, console: "Console") -> None:
        super().__init__(console, "rows")

    def __call__(self, done: int, total: int) -> None:
        """Show how many rows were passed, and of how many."""
        self._show(done, total, f"{count(done)} of {count(total)}")

    def judged(self, done: int, total: int) -> None:
        """Show how many parts of a search for suspect labels are done."""
        title = "judging labels out of fold"
        self._show(done, total, f"{done} of {total} parts", description=title)
