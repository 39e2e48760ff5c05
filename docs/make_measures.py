"""Draw the pictures of ``docs/measures.md`` and fill in its tables.

Run ``python docs/make_measures.py``. The samples are made up; every number is what the
package measures of them.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from made_figures import (
    Picture,
    activations,
    arrows,
    dots,
    layers_and_planes,
    plain,
    planes,
    ringed,
    spans,
    tabled,
)
from made_samples import (
    Case,
    Draw,
    Labelled,
    at_random,
    case,
    case_of,
    clouds,
    islands,
    polygon,
    random_layer,
    ring,
    with_weights,
)
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from layerwise import MLP, Dataset, Recipe, Samples
from layerwise.presentation.figures._style import written
from layerwise.statistics import (
    Likeness,
    Moments,
    discriminants,
    hsic,
    linear_cka,
    principal_components,
    wilson_interval,
)
from layerwise.study import out_of_fold_evidence
from layerwise.study.measures._sampled import bootstrap_interval

__all__ = ["FOLDER", "PAGE", "PICTURES", "filled", "pictures", "save"]

PAGE = Path(__file__).with_name("measures.md")
FOLDER = Path(__file__).with_name("pictures")

PLACE = re.compile(
    r"^(!\[[^\]]+\]\(pictures/measures-([\w-]+)\.png\)\n\n)((?:\|.*\n)*\n)?",
    re.MULTILINE,
)
"""A picture in the page, its name, and the table below it."""


def probes() -> Picture:
    """Show classes that a line parts, or does not, or only the logistic probe's."""
    cases = [
        case("apart", clouds(polygon(3, 4))),
        case("overlapping", clouds(polygon(3, 1))),
        case("in a row", clouds([(-5, -5), (0, 0), (5, 5)])),
        case("one round the other", ring),
    ]
    names = ["probe_accuracy", "logistic_accuracy"]
    return tabled(planes(cases, names), cases, names, ["probe_recall"])


def means() -> Picture:
    """Show round classes, whose samples are nearest to their means, and long ones."""
    cases = [
        case("apart", clouds(polygon(3, 4))),
        case("overlapping", clouds(polygon(3, 1))),
        case("long", clouds([(0, 1.5), (0, -1.5)], (6, 0.4), each=150)),
    ]
    names = ["nearest_mean_accuracy", "probe_accuracy"]
    return tabled(planes(cases, names), cases, names, ["nearest_mean_recall"])


def pairs() -> Picture:
    """Show pairs apart, a class far from two others, and noise that looks apart."""
    noise = case("60 units of noise", clouds(np.zeros((3, 60)), each=40))
    cases = [
        case("apart", clouds(polygon(3, 4))),
        case("overlapping", clouds(polygon(3, 1))),
        case("one far away", clouds([(-5, 0), (-4, 0.5), (12, 0)])),
        noise,
    ]
    points = [each.fitting[0][:, :2] for each in cases[:3]]
    fitted = discriminants(Moments.of(*noise.fitting, 3), shrinkage=0.01)
    points.append(fitted.project(noise.fitting[0]))
    names = ["fisher_ratio"]
    figure = planes(cases, names, points)
    return tabled(figure, cases, names, ["separation", "mixed"])


def spread() -> Picture:
    """Show classes equally wide, one wider, and one that only has outliers."""
    centres = [(-6, 0), (6, 0)]
    outlying = clouds(centres)(np.random.default_rng(0))
    outlying[0][:3] = [(-6, 24), (-6, -24), (-6, 20)]
    cases = [
        case("equally wide", clouds(centres)),
        case("one wider", clouds(centres, [[1], [3]])),
        case_of("three outliers", outlying, outlying),
    ]
    return tabled(planes(cases, ["spread"]), cases, [], ["spread"])


def dimensions() -> Picture:
    """Show a line, a disc, a line bent round, and many faint units."""
    faint = [5, *[0.7] * 49]
    cases = [
        case("a line", clouds([(0, 0)], (4, 0.2), each=300)),
        case("a disc", clouds([(0, 0)], 1.5, each=300)),
        case("a line bent round", lambda rng: outer(ring(rng, each=300))),
        case("one strong, 49 faint", clouds(np.zeros((1, 50)), faint, each=300)),
    ]
    names = ["participation_ratio", "effective_rank"]
    return tabled(planes(cases, names), cases, names)


def units() -> Picture:
    """Show units that all differ, some dead or repeated, and some that nearly are."""
    rng = np.random.default_rng(0)
    rows = np.maximum(rng.normal(0.3, 1, size=(24, 8)), 0)
    useless, nearly = rows.copy(), rows.copy()
    useless[:, [2, 5]] = 0
    useless[:, 6], useless[:, 7] = 2 * rows[:, 0] + 0.5, rows[:, 1]
    nearly[:, [2, 5]] = 0
    nearly[[6, 11], [2, 5]] = 2
    nearly[:, 7] = rows[:, 0] + rows[:, 1]
    targets = np.arange(24) % 2
    cases = [
        case_of(title, (each, targets), (each, targets))
        for title, each in {
            "all differ": rows,
            "two dead, two repeated": useless,
            "two nearly dead, a sum": nearly,
        }.items()
    ]
    names = ["dead_units", "duplicate_units"]
    return tabled(activations(cases, names), cases, names)


def collapse() -> Picture:
    """Show classes collapsed, not, in a row, and for the fitted samples only."""
    tight = clouds(polygon(3, 4), 0.15)
    cases = [
        case("collapsed", tight),
        case("not collapsed", clouds([(0, 4), (-3, -1), (2, -2)], 1.2)),
        case("a flat triangle", clouds([(-4, -1), (0, 1), (4, -1)], 0.15)),
        case("only what it knows", clouds(polygon(3, 3), 1.2), tight),
    ]
    names = ["collapse_within", "collapse_norms", "collapse_angles"]
    scored = [f"{name}_scored" for name in names]
    figure = planes(cases, ["collapse_within", "collapse_within_scored"])
    return tabled(figure, cases, names + scored)


def output() -> Picture:
    """Show weights along the class means, turned, moved, and wrong with the means."""
    apart = case("", clouds(polygon(3, 4)))
    along = polygon(3, 1).T
    turn = np.array([[0, -1], [1, 0]])
    weights = [along, turn @ along, along + np.array([[1], [0]]), along]
    overlapping = case("", clouds(polygon(3, 0.7)))
    cases = [
        with_weights("along the means", apart, weights[0]),
        with_weights("turned", apart, weights[1]),
        with_weights("the first, all moved", apart, weights[2]),
        with_weights("wrong together", overlapping, weights[3]),
    ]
    names = ["collapse_duality", "collapse_nearest_mean", "nearest_mean_accuracy"]
    return tabled(arrows(cases, weights), cases, names)


def neighbours() -> Picture:
    """Show classes apart, overlapping, in pieces, and a rare one in a common one."""
    cases = [
        case("apart", clouds(polygon(3, 4))),
        case("overlapping", clouds(polygon(3, 1))),
        case("in pieces", islands),
        case("one rare", clouds([(0, 0), (0, 0)], each=(285, 15))),
    ]
    names = ["neighbour_purity", "silhouette"]
    return tabled(planes(cases, names), cases, names, names)


def trust() -> Picture:
    """Show a flat layer, a shell pressed flat, and gaps drawn equally wide."""
    rng = np.random.default_rng(0)
    flat = clouds([(-3, 0, 0), (3, 0, 0)], (1.5, 1.5, 0.05))(rng)
    tilt = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    flat = flat[0] @ tilt, flat[1]
    shell = rng.normal(size=(300, 3))
    shell *= np.array([3, 2.5, 1.5]) / np.linalg.norm(shell, axis=1, keepdims=True)
    pressed = shell, (shell[:, 2] > 0).astype(int)
    far = clouds([(0, 0, 0), (6, 0, 0), (30, 0, 0)], (1, 1, 0.3))(rng)
    even = far[0][:, :2] - np.array([(0, 0), (0, 0), (18, 0)])[far[1]]
    shown = [leading(flat), leading(pressed), even]
    cases = [
        case_of(title, samples, samples, {"components": plane})
        for title, samples, plane in zip(
            ["flat", "a shell, pressed flat", "uneven gaps made even"],
            [flat, pressed, far],
            shown,
            strict=True,
        )
    ]
    names = ["trustworthiness", "continuity"]
    return tabled(layers_and_planes(cases, shown), cases, names)


def bases() -> Picture:
    """Show both planes of one layer, and the discriminants of noise."""
    rng = np.random.default_rng(0)
    idle = clouds(np.pad(polygon(3, 3), ((0, 0), (0, 3))), (1, 1, 1, 6, 6))
    noise = clouds(np.zeros((3, 60)), each=40)
    fitting, scored, known, new = idle(rng), idle(rng), noise(rng), noise(rng)
    cases: list[Case] = []
    points: list[np.ndarray] = []
    for title, fitted, shown, basis in (
        ("components", fitting, scored, principal_components),
        ("discriminants", fitting, scored, discriminants),
        ("noise it was fitted on", known, known, discriminants),
        ("noise that is new", known, new, discriminants),
    ):
        points.append(basis(Moments.of(*fitted, 3), 2).project(shown[0]))
        plane = {
            "discriminants" if basis is discriminants else "components": points[-1]
        }
        cases.append(case_of(title, fitted, shown, plane))
    names = [
        "trustworthiness",
        "continuity",
        "discriminant_trustworthiness",
        "discriminant_continuity",
    ]
    return tabled(planes(cases, [], points), cases, names)


def similarity() -> Picture:
    """Compare a layer turned, unrelated layers, and two that share one strong unit."""
    rng = np.random.default_rng(0)
    rows, few, strong = (rng.normal(size=(200, n)) for n in (20, 20, 1))
    wide, other = rng.normal(size=(2, 200, 400))
    turn = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    compared = {
        "turned and doubled": (rows, 2 * rows @ turn),
        "unrelated, 20 units": (rows, few),
        "unrelated, 400 units": (wide, other),
        "one strong unit shared": (
            np.hstack([rows, 20 * strong]),
            np.hstack([few, 20 * strong]),
        ),
    }
    alike = [
        linear_cka(hsic(x, y), hsic(x, x), hsic(y, y)) for x, y in compared.values()
    ]
    found = {form: [getattr(one, form) for one in alike] for form in Likeness._fields}
    rows_of = {
        form: [plain(value) for value in values] for form, values in found.items()
    }
    return Picture(dots(list(compared), found), list(compared), rows_of)


def intervals() -> Picture:
    """Show intervals of few samples, of many, of a sure thing, and of copies."""
    known = np.arange(20) < 19
    counted = {
        "19 of 20": known,
        "1,900 of 2,000": np.arange(2000) < 1900,
        "20 of 20": np.ones(20, bool),
        "the first 20, 100 times": np.tile(known, 100),
    }
    found = {
        "Wilson": [
            wilson_interval(int(hits.sum()), len(hits)) for hits in counted.values()
        ],
        "bootstrap": [
            bootstrap_interval(hits.astype(float), 0) for hits in counted.values()
        ],
    }
    rows = {
        name: [f"{plain(low)} to {plain(high)}" for low, high in ends]
        for name, ends in found.items()
    }
    return Picture(spans(list(counted), found), list(counted), rows)


def references() -> Picture:
    """Show an input, what an untrained layer makes of it, and shuffled labels."""
    rng = np.random.default_rng(0)
    known, new = ring(rng, each=60), ring(rng, each=60)
    layer = random_layer(known, 80), random_layer(new, 80)
    cases = [
        case_of("the input", known, new),
        case_of("80 units, untrained", *layer),
        case_of("80 units, labels shuffled", at_random(layer[0]), at_random(layer[1])),
    ]
    names = ["probe_accuracy", "probe_accuracy_fitted", "neighbour_purity"]
    points = [new[0], leading(layer[1]), leading(layer[1])]
    return tabled(planes(cases, names[:2], points), cases, names)


def suspects() -> Picture:
    """Show wrong labels that stand out, that hide among others, and that lead."""
    far, near = polygon(3, 4), polygon(3, 1.4)
    cases = {
        "apart": mislabelled(clouds(far), 0.05),
        "overlapping": mislabelled(clouds(near), 0.05),
        "four of ten wrong": mislabelled(clouds(far), 0.4),
    }
    rows: dict[str, list[str]] = {name: [] for name in SUSPECTED}
    panels: list[tuple[str, Labelled, np.ndarray]] = []
    for title, (samples, replaced) in cases.items():
        data = Dataset.from_arrays(*samples)
        # All of the samples are judged: the sets differ only for a network's training.
        data = replace(data, train=Samples(*samples))
        scores = out_of_fold_evidence(MLP([16]), data, Recipe(epochs=20)).scores
        first = np.argsort(-scores, kind="stable")[: replaced.sum()]
        figures = replaced.sum(), replaced[first].sum()
        for name, figure in zip(SUSPECTED, figures, strict=True):
            rows[name].append(str(figure))
        panels.append((title, samples, samples[0][first]))
    return Picture(ringed(panels), list(cases), rows)


SUSPECTED = ("labels replaced", "of them among as many first suspects")


def mislabelled(draw: Draw, share: float) -> tuple[Labelled, np.ndarray]:
    """Draw samples, replace a share of their labels, and say which."""
    rng = np.random.default_rng(0)
    rows, targets = draw(rng)
    places = rng.choice(len(rows), round(share * len(rows)), replace=False)
    replaced = np.isin(np.arange(len(rows)), places)
    classes = targets.max() + 1
    others = (targets + rng.integers(1, classes, len(rows))) % classes
    return (rows, np.where(replaced, others, targets)), replaced


def leading(samples: Labelled) -> np.ndarray:
    """Return the plane of the first two principal components."""
    components = principal_components(Moments.of(samples[0], classes=1), 2)
    return components.project(samples[0])


def outer(samples: Labelled) -> Labelled:
    """Return the second class alone."""
    rows = samples[0][samples[1] == 1]
    return rows, np.zeros(len(rows), int)


PICTURES: Mapping[str, Callable[[], Picture]] = MappingProxyType(
    {
        "probes": probes,
        "means": means,
        "pairs": pairs,
        "spread": spread,
        "dimensions": dimensions,
        "units": units,
        "collapse": collapse,
        "output": output,
        "neighbours": neighbours,
        "trust": trust,
        "bases": bases,
        "similarity": similarity,
        "intervals": intervals,
        "references": references,
        "suspects": suspects,
    }
)
"""What makes each picture, by its name in the page."""


def pictures() -> dict[str, Picture]:
    """Return every picture by its name."""
    return {name: make() for name, make in PICTURES.items()}


def filled(page: str, drawn: Mapping[str, Picture]) -> str:
    """Return the page with the table of each picture below it."""
    return PLACE.sub(lambda place: f"{place[1]}{drawn[place[2]].table}\n", page)


def save(picture: Picture, path: Path) -> None:
    """Write a figure as PNG; its description is the table."""
    info = PngInfo()
    info.add_itxt("Description", picture.table)
    with Image.open(io.BytesIO(written(picture.figure))) as image:
        image.save(path, pnginfo=info, optimize=True)


if __name__ == "__main__":
    drawn = pictures()
    for name, picture in drawn.items():
        save(picture, FOLDER / f"measures-{name}.png")
    page = filled(PAGE.read_text("utf-8"), drawn)
    PAGE.write_text(page, "utf-8", newline="\n")
