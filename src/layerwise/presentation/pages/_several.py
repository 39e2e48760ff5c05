"""The pages on several trainings: runs side by side, and a sweep."""

from collections.abc import Mapping
from functools import partial

from layerwise.presentation._comparison import (
    Runs,
    figure_table,
    probe_table,
    setting_table,
)
from layerwise.presentation._sweep import (
    SweepReport,
    choice_sentence,
    phase_table,
    point_table,
    sweep_sentence,
)
from layerwise.presentation._text import short
from layerwise.presentation.figures import OF_RUNS, OF_SWEEP
from layerwise.presentation.pages._template import Part, Section, rendered, shown
from layerwise.wording import listed


def comparison_page(runs: Runs, figures: Mapping[str, bytes]) -> str:
    """Return the page as HTML; ``figures`` are those of `OF_RUNS`."""
    at = partial(shown, figures=OF_RUNS, record=runs, images=figures)
    note = (
        "Choose by validation accuracy: a test set used for choosing is no longer a "
        "test set."
    )
    ended = [("table", figure_table(runs)), *at("figures"), ("paragraph", note, "note")]
    differing = setting_table(runs)
    settings: list[Part] = [("paragraph", "None.")]
    if differing.body:
        settings = [("table", differing)]
    equal = setting_table(runs, differing=False)
    settings.append(("details", "Common settings", equal))
    sections = [
        Section("figures", "Results", ended),
        Section("settings", "Different settings", settings),
    ]
    if probes := [*at("inside")]:
        inside = [*probes, ("table", probe_table(runs))]
        sections.append(Section("inside", "Measures per layer", inside))
    title = listed([short(run.name, 40) for run in runs])
    return rendered("comparison of runs", title, [], sections)


def sweep_page(report: SweepReport, figures: Mapping[str, bytes]) -> str:
    """Return the page on a sweep as HTML; ``figures`` are those of `OF_SWEEP`."""
    sweep = report.sweep
    note = (
        "s: stalls, d: diverges, with their number where a cell has several trainings."
    )
    phases = [
        ("paragraph", sweep_sentence(sweep)),
        *shown("phases", OF_SWEEP, sweep, figures),
        ("details", "As a table", phase_table(sweep), "", False, note),
    ]
    made = [
        ("command", report.command),
        ("heading", "Common settings"),
        ("settings", report.settings.items()),
        ("heading", "Environment"),
        ("settings", report.environment.items()),
    ]
    points = [("details", "Result of each training", point_table(sweep))]
    return rendered(
        "a sweep",
        f"{sweep.name}: {listed([axis.name for axis in sweep.axes])}",
        [("paragraph", choice_sentence(report), "headline")],
        [
            Section("phases", "Where training works", phases),
            Section("points", "All trainings", points),
            Section("made", "Reproduce", made),
        ],
    )
