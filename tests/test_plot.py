"""Public figures: drawn where they are asked to be, of the records of a run."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import layerwise as lw
from layerwise import plot
from layerwise.study import InputStudy
from layerwise.sweeps import Axis, Sweep, SweepPoint

PAGE = Path(__file__).parents[1] / "docs/plots.md"


@pytest.fixture(scope="module")
def result(digits):
    return lw.fit(lw.MLP([8]), digits, epochs=2, engine="eager")


@pytest.fixture(scope="module")
def study(result, digits):
    return lw.inspect(result.network, digits, snapshots=result.snapshots)


@pytest.fixture(scope="module")
def sweep():
    points = [
        SweepPoint({"depth": d}, "finished", 0.1, 5, 1, 0.5, 0.9, 0.4, 0.9, 1.0)
        for d in (1, 2)
    ]
    return Sweep("digits", (Axis("depth", (1, 2)),), tuple(points))


@pytest.fixture(scope="module")
def plane():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 2)), np.arange(90) % 2
    data = lw.Dataset.from_arrays(X, y)
    network = lw.fit(lw.MLP([4]), data, epochs=1, engine="eager").network
    return network, data.test


@pytest.fixture
def given(study, result, sweep, plane, digits):
    """What each function takes."""
    targets = study.targets[study.shown]
    inputs = InputStudy(digits, study.input, "test", targets, (), ())
    of_study = (
        "confusion epochs layers measures mistakes pairs probes reliability similarity "
        "suspects"
    )
    return {
        **dict.fromkeys(of_study.split(), (study,)),
        **dict.fromkeys(("training", "health"), (result,)),
        **dict.fromkeys(("components", "inputs"), (inputs,)),
        "samples": (digits,),
        "phases": (sweep,),
        "regions": plane,
    }


@pytest.mark.parametrize("name", plot.__all__)
@pytest.mark.usefixtures("unpainted")
def test_each_draws_on_what_it_is_given(given, name):
    draw = getattr(plot, name)
    takes_axes = "ax" in inspect.signature(draw).parameters
    drawn = draw(*given[name])
    assert isinstance(drawn, Axes if takes_axes else Figure)
    if takes_axes:
        ax = Figure().add_subplot()
        assert draw(*given[name], ax=ax) is ax
        assert ax.has_data()


def test_a_study_without_a_past_has_no_epochs(study):
    with pytest.raises(lw.InputError, match=r"no snapshots to draw: lw\.inspect"):
        plot.epochs(replace(study, snapshots=()))


@pytest.mark.parametrize("name", plot.__all__)
def test_the_page_shows_each(name):
    text = PAGE.read_text("utf-8")
    assert f"`lw.plot.{name}(" in text
    assert f"](pictures/plot-{name}.png)" in text
    assert (PAGE.parent / "pictures" / f"plot-{name}.png").exists()


def test_it_is_there_by_its_name():
    assert lw.plot is plot
