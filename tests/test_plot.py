"""Public figures: drawn where they are asked to be, of the records of a run."""

import inspect
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
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
    assert isinstance(draw(*given[name]), Axes | Figure)
    if "ax" in inspect.signature(draw).parameters:
        ax = Figure().add_subplot()
        assert draw(*given[name], ax=ax) is ax
        assert ax.has_data()
        return
    figure = Figure(figsize=(16, 8), layout="constrained")
    left, right = figure.subfigures(1, 2)
    assert draw(*given[name], figure=left) is left
    assert len(left.axes) > 1
    assert not right.axes
    assert draw(*given[name], figure=right) is right
    figure.savefig(io.BytesIO(), format="svg")


@pytest.mark.parametrize("name", ["components", "epochs", "layers", "samples"])
def test_on_smaller_axes_text_is_as_much_smaller(given, name):
    draw = getattr(plot, name)
    alone = draw(*given[name])
    width, height = alone.get_figure().get_size_inches()
    ax = Figure(figsize=(width / 4, height / 4)).add_axes((0, 0, 1, 1))
    own = ax.text(0, 0, "the reader's", fontsize=9)
    draw(*given[name], ax=ax)
    assert own.get_fontsize() == 9
    assert len(ax.texts) == 1 + len(alone.texts) > 5
    for text, large in zip(ax.texts[1:], alone.texts, strict=True):
        assert text.get_text() == large.get_text()
        assert text.get_fontsize() == pytest.approx(large.get_fontsize() / 4)
    for dots, large in zip(ax.collections, alone.collections, strict=True):
        if isinstance(dots, PathCollection):
            assert dots.get_sizes() == pytest.approx(large.get_sizes() / 16)


@pytest.mark.parametrize("name", ["components", "mistakes", "samples"])
def test_pictures_keep_their_proportions(given, name):
    ax = Figure(figsize=(3, 9)).add_subplot()
    getattr(plot, name)(*given[name], ax=ax)
    ax.apply_aspect()
    (image,) = ax.images
    rows, columns, _ = image.get_array().shape
    left, right, bottom, top = image.get_extent()
    (x, y), (z, w) = ax.transData.transform([(left, bottom), (right, top)])
    assert (z - x) / columns == pytest.approx((w - y) / rows)


def test_names_of_layers_are_upright_where_they_would_touch(given):
    for width, rotation in ((6, 0), (1.5, 90)):
        ax = Figure(figsize=(width, width)).add_subplot()
        plot.similarity(*given["similarity"], ax=ax)
        assert {name.get_rotation() for name in ax.get_xticklabels()} == {rotation}


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
