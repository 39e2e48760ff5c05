"""Each figure of a study shows its record: what was measured, where it belongs."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import layerwise as lw
from layerwise.data import Dataset
from layerwise.presentation import class_colours
from layerwise.presentation.figures import (
    epoch_planes,
    layer_projections,
    layer_similarity,
    measures_by_layer,
    pairs_by_layer,
    probe_by_layer,
    reliability,
    suspect_labels,
)
from layerwise.presentation.figures._measures import AMOUNTS, SHARES, mixed_pairs
from layerwise.presentation.figures._style import written
from layerwise.statistics import wilson_interval
from layerwise.study import MEASURES, inspect
from layerwise.training import fit
from layerwise.wording import layer_labels


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def lines(ax) -> dict:
    """Lines by their labels, those of the intervals left out."""
    return {
        line.get_label(): line
        for line in ax.lines
        if not line.get_label().startswith("_")
    }


def with_values(study, place, **changed):
    """The study, some values of one of its layers changed; -1 is the input."""
    one = study.input if place < 0 else study.layers[place]
    measures = replace(one.measures, values={**one.measures.values, **changed})
    one = replace(one, measures=measures)
    if place < 0:
        return replace(study, input=one)
    layers = [*study.layers]
    layers[place] = one
    return replace(study, layers=tuple(layers))


def study_of(data: Dataset, hidden: tuple[int, ...]):
    result = fit(lw.MLP(hidden), data, epochs=2, engine="eager", seed=0)
    return inspect(result.network, data, snapshots=result.snapshots)


@pytest.fixture(scope="module")
def shallow():
    """Two classes, no hidden layer."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    x = rng.normal(size=(120, 3)) + y[:, None]
    return study_of(Dataset.from_arrays(x, y), ())


@pytest.fixture(scope="module")
def many():
    """Fifteen classes with long names, one of them without a test sample."""
    rng = np.random.default_rng(0)
    y = np.arange(450) % 15
    x = rng.normal(size=(450, 4)) + 2 * np.stack([y % 4, y // 4, y % 3, y % 2], 1)
    names = tuple(f"a rather long name, {i}" for i in range(15))
    data = Dataset.from_arrays(x, y, class_names=names)
    kept = data.test.at(np.flatnonzero(data.test.targets != 3))
    return study_of(replace(data, test=kept), (6,))


FIGURES = (
    epoch_planes, layer_similarity, measures_by_layer, pairs_by_layer, reliability,
    lambda study: layer_projections(study, "discriminants"),
)  # fmt: skip


@pytest.mark.parametrize("kind", ["shallow", "many", "hostile"])
@pytest.mark.parametrize("draw", FIGURES)
def test_every_figure_can_be_drawn(request, kind, draw):
    study = request.getfixturevalue(kind)
    written(draw(study.study if kind == "hostile" else study))


def test_discriminants_are_shown_with_their_ratios_and_trust(digits):
    study = digits.study
    ax = layer_projections(study, "discriminants")
    for tile, layer in zip(ax.collections, study, strict=True):
        first, second = layer.discriminants.ratios
        assert f"discriminant 1 (between/within {first:.3g})" in texts(ax)
        assert f"discriminant 2 (between/within {second:.3g})" in texts(ax)
        inches = np.asarray(tile.get_offsets()) * (1, -1)
        plane = layer.planes["discriminants"]
        scale = np.ptp(inches[:, 1]) / np.ptp(plane[:, 1])
        moved = scale * (plane - plane[0])
        np.testing.assert_allclose(inches - inches[0], moved, atol=1e-5)
        trust, continuity = (
            layer.measures.values[f"discriminant_{name}"]
            for name in ("trustworthiness", "continuity")
        )
        ends = f"trustworthiness {trust:.3g}, continuity {continuity:.3g}"
        assert any(text.endswith(ends) for text in texts(ax))


def test_one_discriminant_is_drawn_as_a_band(moons):
    ax = layer_projections(moons.study, "discriminants")
    along, upward = ax.collections[0].get_offsets().T
    wanted = moons.study.input.planes["discriminants"][:, 0]
    scale = np.ptp(along) / np.ptp(wanted)
    np.testing.assert_allclose(
        along - along[0], scale * (wanted - wanted[0]), atol=1e-5
    )
    assert len(np.unique(upward)) == len(moons.study.shown)
    assert "no meaning (jitter)" in texts(ax)


def test_classes_with_one_mean_have_no_discriminant(moons):
    layer = moons.study.input
    none = replace(
        layer.discriminants,
        directions=layer.discriminants.directions[:0],
        ratios=layer.discriminants.ratios[:0],
    )
    planes = {**layer.planes, "discriminants": 0 * layer.projection}
    layer = replace(layer, discriminants=none, planes=planes)
    ax = layer_projections(replace(moons.study, input=layer), "discriminants")
    written(ax)
    assert "no discriminant: the class means are equal" in texts(ax)


def test_a_plane_that_was_given_has_its_name_and_trust(digits):
    def seen(layer):
        values = {"UMAP_trustworthiness": 0.875, "UMAP_continuity": 0.75}
        values = {**layer.measures.values, **values}
        return replace(
            layer,
            planes={**layer.planes, "UMAP": layer.projection},
            measures=replace(layer.measures, values=values),
        )

    study = digits.study
    study = replace(
        study, input=seen(study.input), layers=tuple(map(seen, study.layers))
    )
    written = texts(layer_projections(study, "UMAP"))
    assert {"UMAP 1", "UMAP 2"} <= {*written}
    ends = "trustworthiness 0.875, continuity 0.75"
    assert sum(text.endswith(ends) for text in written) == len(list(study))


def test_measures_stand_by_layer_beside_untrained_and_shuffled(digits):
    study = digits.study
    panels = measures_by_layer(study).axes
    assert [ax.get_title("left") for ax in panels] == [
        MEASURES[name].title for name in [*SHARES, *AMOUNTS]
    ]  # fmt: skip
    for ax, name in zip(panels, [*SHARES, *AMOUNTS], strict=True):
        drawn = lines(ax)
        expected = [layer.measures.values[name] for layer in study]
        assert drawn["this network"].get_ydata().tolist() == expected
        assert drawn["this network"].get_xdata().tolist() == [0, 1, 2, 3]
        before = [layer.measures.values[name] for layer in study.untrained.layers]
        assert drawn["untrained"].get_ydata().tolist() == before
        assert drawn["untrained"].get_xdata().tolist() == [1, 2, 3]
        if name in ("participation_ratio", "effective_rank"):
            assert "shuffled labels" not in drawn
            continue
        chance = [layer.shuffled.values[name] for layer in study]
        assert drawn["shuffled labels"].get_ydata().tolist() == chance
    ticks = [tick.get_text() for tick in panels[-1].get_xticklabels()]
    assert ticks == ["input", "hidden1", "hidden2", "output"]


def test_intervals_stand_about_their_measures(digits):
    study = digits.study
    for ax, name in zip(measures_by_layer(study).axes, SHARES, strict=False):
        bars = [line for line in ax.lines if line.get_label().startswith("_")]
        drawn = {(*bar.get_xdata(), *bar.get_ydata()) for bar in bars}
        assert drawn == {
            (place, place, *layer.measures.intervals[name])
            for place, layer in enumerate(study)
        }


def test_the_lines_of_the_measures_are_named_at_their_ends(digits):
    panels = measures_by_layer(digits.study).axes
    assert [sorted(texts(ax)) for ax in panels] == [
        [], [], [], ["shuffled labels", "this network", "untrained"], *[[]] * 4
    ]  # fmt: skip
    named = panels[3]
    for text in named.texts:
        assert text.get_color() == lines(named)[text.get_text()].get_color()
    heights = [text.get_position()[1] for text in named.texts]
    assert np.diff(sorted(heights)).min() > 0.07


def test_all_and_none_right_stand_at_the_ends_of_the_scale(digits):
    study = with_values(digits.study, 0, probe_accuracy=1.0)
    study = with_values(study, 1, probe_accuracy=0.0)
    ax = measures_by_layer(study).axes[0]
    half = 0.5 / 270
    assert lines(ax)["this network"].get_ydata()[1:3].tolist() == [1 - half, half]
    ticks = {label.get_text() for label in ax.get_yticklabels()}
    assert {"0", "50", "90", "100"} <= ticks
    low, high = ax.get_ylim()
    assert 0 < low < half
    assert 1 - half < high < 1


@pytest.mark.parametrize("name", ["fisher_ratio", "collapse_within"])
def test_what_has_no_logarithm_is_left_out(digits, name):
    study = with_values(digits.study, 0, **{name: np.inf})
    study = with_values(study, 1, **{name: 0.0})
    study = with_values(study, 2, **{name: np.nan})
    figure = measures_by_layer(study)
    written(figure)
    ax = figure.axes[[*SHARES, *AMOUNTS].index(name)]
    assert ax.get_yscale() == "log"
    known = ~np.isnan(lines(ax)["this network"].get_ydata())
    assert known.tolist() == [True, False, False, False]


def test_a_measure_that_is_nowhere_known_leaves_its_panel_empty(shallow):
    def unknown(measures):
        values = {"effective_rank": np.nan, "fisher_ratio": np.inf}
        return replace(measures, values={**measures.values, **values})

    layers = [
        replace(
            layer, measures=unknown(layer.measures), shuffled=unknown(layer.shuffled)
        )
        for layer in shallow
    ]
    first = shallow.untrained.layers[0]
    first = replace(first, measures=unknown(first.measures))
    snapshots = (replace(shallow.untrained, layers=(first,)),)
    study = replace(
        shallow, input=layers[0], layers=tuple(layers[1:]), snapshots=snapshots
    )
    figure = measures_by_layer(study)
    written(figure)
    for name in ("effective_rank", "fisher_ratio"):
        ax = figure.axes[[*SHARES, *AMOUNTS].index(name)]
        assert ax.get_yscale() == "linear"
        assert all(np.isnan(line.get_ydata()).all() for line in ax.lines)


def test_a_line_for_each_mixed_pair_in_both_colours(digits):
    study = digits.study
    ax = pairs_by_layer(study)
    pairs = mixed_pairs(study)
    assert len(pairs) == 6
    assert len(ax.lines) == 12
    colours = class_colours(10)
    for place, (first, second) in enumerate(pairs):
        solid, dashed = ax.lines[2 * place : 2 * place + 2]
        assert (solid.get_color(), dashed.get_color()) == (
            colours[first], colours[second],
        )  # fmt: skip
        shares = [100 * one.measures.by_pair["mixed"][first, second] for one in study]
        assert solid.get_ydata().tolist() == dashed.get_ydata().tolist() == shares
        assert solid.get_label() == f"{first} | {second}"
    assert sorted(texts(ax)) == sorted(f"{i} | {j}" for i, j in pairs)
    heights = [text.get_position()[1] for text in ax.texts]
    assert np.diff(sorted(heights)).min() > 0.04
    (leaders,) = ax.collections
    to_axes = ax.transScale + ax.transLimits
    for text, (start, end) in zip(ax.texts, leaders.get_segments(), strict=True):
        line = lines(ax)[text.get_text()]
        last = to_axes.transform([len(list(study)) - 1, line.get_ydata()[-1]])
        assert start == pytest.approx(last, abs=0.01)
        assert end == pytest.approx(text.get_position(), abs=0.02)


def test_names_of_lines_that_end_on_the_axis_stay_above_the_layers_names(digits):
    study = digits.study
    nothing = {"mixed": np.zeros((10, 10))}
    measures = replace(study.layers[-1].measures, by_pair=nothing)
    last = replace(study.layers[-1], measures=measures)
    ax = pairs_by_layer(replace(study, layers=(*study.layers[:-1], last)))
    ax.figure.draw_without_rendering()
    below = max(tick.get_window_extent().y1 for tick in ax.get_xticklabels())
    boxes = [text.get_tightbbox() for text in ax.texts]
    assert len(boxes) > 1
    assert min(box.y0 for box in boxes) > below


def test_the_pairs_that_the_network_mixes_most_come_first(digits):
    study = digits.study
    targets = np.repeat([0, 1, 2, 3], [10, 10, 100, 10])
    predictions = targets.copy()
    predictions[:2] = 1  # two of the twenty samples of 0 and 1
    predictions[20:23] = 3  # three of the hundred and ten of 2 and 3
    mixed = np.zeros((10, 10))
    mixed[0, 2] = mixed[2, 0] = 0.5
    layer = replace(
        study.input, measures=replace(study.input.measures, by_pair={"mixed": mixed})
    )
    study = replace(
        study, targets=targets.astype(np.int32), predictions=predictions,
        confidence=np.ones(130, np.float32), input=layer, layers=(layer,),
    )  # fmt: skip
    assert mixed_pairs(study) == [(0, 1), (2, 3), (0, 2)]


def test_pairs_of_which_none_is_mixed_are_not_drawn(shallow):
    nothing = {"mixed": np.array([[0, np.nan], [np.nan, 0]])}
    layers = [
        replace(layer, measures=replace(layer.measures, by_pair=nothing))
        for layer in shallow
    ]
    study = replace(
        shallow, input=layers[0], layers=tuple(layers[1:]),
        predictions=shallow.targets.astype(np.int64),
    )  # fmt: skip
    assert mixed_pairs(study) == []


def test_similarities_stand_in_their_cells(digits):
    matrix = np.array(digits.study.similarity["debiased"])
    matrix[0, 1], matrix[1, 0] = np.nan, -0.125
    ax = layer_similarity(replace(digits.study, similarity={"debiased": matrix}))
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written[1, 0] == "–"
    assert written[0, 1] == "\u22120.12"
    assert written[3, 2] == f"{matrix[2, 3]:.2f}"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "input", "hidden1", "hidden2", "output",
    ]  # fmt: skip


def test_epochs_are_rows_and_layers_columns(digits):
    study = digits.study
    ax = epoch_planes(study)
    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    assert rows == ["epoch 0\nuntrained", "epoch 1", "epoch 2", "epoch 3"]
    heights = ax.get_yticks().tolist()
    assert heights == [3.5, 2.5, 1.5, 0.5]
    columns = [tick.get_text() for tick in ax.get_xticklabels()]
    assert columns == ["hidden1", "hidden2", "output"]
    (drawn,) = ax.collections[:1]
    points = drawn.get_offsets().reshape(3, 4, len(study.sampled), 2)
    cells = np.floor(points)
    for column in range(3):
        for row in range(4):
            assert np.unique(cells[column, row], axis=0).tolist() == [[column, 3 - row]]
    colours = class_colours(10)
    expected = [colours[target] for target in study.targets[study.sampled]] * 12
    assert [to_hex(colour) for colour in drawn.get_facecolors()] == expected


def test_the_names_stay_in_the_last_epochs_cells(iris):
    ax = epoch_planes(iris.study)
    ax.figure.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts]
    corners = np.array([box.get_points() for box in boxes]).reshape(-1, 2)
    corners = ax.transData.inverted().transform(corners).reshape(-1, 2, 2)
    assert texts(ax) == list(iris.data.class_names) * 2
    cells = np.repeat([[[0, 0], [1, 1]], [[1, 0], [2, 1]]], 3, axis=0)
    assert (corners[:, 0] > cells[:, 0] - 0.02).all()
    assert (corners[:, 1] < cells[:, 1] + 0.02).all()


def test_a_layer_has_one_scale_for_all_epochs(digits):
    study = digits.study
    points = epoch_planes(study).collections[0].get_offsets()
    points = points.reshape(3, 4, len(study.sampled), 2)
    for column in range(3):
        frames = [
            snapshot.layers[column].frames["components"] for snapshot in study.snapshots
        ]
        scales = np.ptp(points[column], axis=1) / np.ptp(frames, axis=1)
        np.testing.assert_allclose(scales, scales[0, 0], rtol=1e-5)
        assert np.ptp(points[column], axis=1).max() == pytest.approx(0.9, rel=1e-5)


def test_of_many_epochs_and_layers_the_first_and_the_last_are_shown(digits):
    study = digits.study
    layer = study.untrained.layers[0]
    layers = tuple(replace(layer, name=f"layer {i}") for i in range(8))
    snapshots = tuple(
        replace(study.untrained, epoch=e, layers=layers) for e in range(11)
    )
    layers = tuple(replace(study.layers[0], name=f"layer {i}") for i in range(8))
    last = replace(snapshots[-1], epoch=None)
    ax = epoch_planes(replace(study, layers=layers, snapshots=(*snapshots[:-1], last)))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "epoch 0\nuntrained", "epoch 2", "epoch 4", "epoch 6", "epoch 8",
        "this\nnetwork",
    ]  # fmt: skip
    columns = [tick.get_text() for tick in ax.get_xticklabels()]
    assert columns == [f"layer {i}" for i in (0, 1, 3, 4, 6, 7)]


def test_points_that_all_coincide_have_a_place(shallow):
    frames = {"components": np.full((len(shallow.sampled), 2), 3, np.float32)}
    layer = replace(shallow.untrained.layers[0], frames=frames)
    snapshot = replace(shallow.untrained, layers=(layer,))
    ax = epoch_planes(replace(shallow, snapshots=(snapshot,)))
    assert np.unique(ax.collections[0].get_offsets()).tolist() == [0.5]


def test_confidence_is_binned_with_what_is_right(digits):
    confidence = np.array([0.95, 0.97, 1.0, 0.5, 0.52, 0.1], np.float32)
    targets = np.zeros(6, np.int32)
    predictions = np.array([0, 0, 1, 0, 1, 1])
    study = replace(
        digits.study, confidence=confidence, targets=targets, predictions=predictions
    )
    above, below = reliability(study).axes
    dots = above.lines[-1]
    means = [0.1, 0.51, 2.92 / 3]
    assert dots.get_xdata().tolist() == pytest.approx(means, rel=1e-6)
    assert dots.get_ydata().tolist() == [0, 0.5, 2 / 3]
    intervals, gaps = (c.get_segments() for c in above.collections)
    ends = [tuple(segment[:, 1]) for segment in intervals]
    assert ends == [wilson_interval(*tally) for tally in ((0, 1), (1, 2), (2, 3))]
    for gap, mean, accuracy in zip(gaps, means, (0, 0.5, 2 / 3), strict=True):
        assert gap.ravel() == pytest.approx([mean, mean, mean, accuracy], rel=1e-6)
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height())
            for bar in below.patches]  # fmt: skip
    places = [1.5 / 15, 7.5 / 15, 14.5 / 15]
    assert [x for x, _ in bars] == pytest.approx(places)
    assert [height for _, height in bars] == [1, 2, 3]


def test_the_ends_of_confidence_have_bins(digits):
    confidence = np.array([0.0, 1.0], np.float32)
    study = replace(
        digits.study, confidence=confidence, targets=np.zeros(2, np.int32),
        predictions=np.zeros(2, np.int64),
    )  # fmt: skip
    figure = reliability(study)
    written(figure)
    assert len(figure.axes[1].patches) == 2


def test_suspects_say_what_they_look_like(digits):
    ax = suspect_labels(digits.study)
    assert texts(ax) == [
        f"labelled {one.label}\nlooks like {one.suggestion}\n{one.name}"
        for one in digits.study.suspects
    ]
    pictures = digits.study.inputs[[one.position for one in digits.study.suspects]]
    drawn = ax.images[0].get_array()
    for place, picture in enumerate(pictures):
        left = 12 * place  # a picture of eight pixels, and four of white
        cell = drawn[:8, left : left + 8, 0]
        np.testing.assert_allclose(cell, 1 - picture / pictures.max())


def test_suspects_of_the_training_set_are_drawn_of_that_set(digits):
    """Without it the test samples at their positions were drawn."""
    train = digits.data.train
    one = replace(digits.study.suspects[0], part="training", position=len(train) - 1)
    study = replace(digits.study, suspects=(one,))
    drawn = suspect_labels(study, train).images[0].get_array()
    picture = train.inputs[-1]
    np.testing.assert_allclose(drawn[:8, :8, 0], 1 - picture / picture.max())
    with pytest.raises(lw.InputError, match=r"give training=data\.train"):
        suspect_labels(study)


def test_at_most_eighteen_suspects_are_drawn(digits):
    suspects = digits.study.suspects[:1] * 20
    assert len(texts(suspect_labels(replace(digits.study, suspects=suspects)))) == 18


def test_suspects_of_tables_are_not_drawn(iris):
    with pytest.raises(lw.InputError, match="drawn of pictures"):
        suspect_labels(iris.study)


def test_no_suspects_cannot_be_drawn(digits):
    with pytest.raises(lw.InputError, match="no label is suspicious"):
        suspect_labels(replace(digits.study, suspects=()))


def test_figures_draw_on_the_axes_given(digits):
    for draw in (epoch_planes, layer_similarity, pairs_by_layer, suspect_labels):
        ax = Figure().add_subplot()
        assert draw(digits.study, ax=ax) is ax
        assert ax.has_data()


@pytest.fixture(scope="module")
def of_many_layers(shallow):
    """Forty layers with long names that begin alike, and a head."""
    one = shallow.layers[0]
    names = [f"backbone.encoder.layer.{n}.output.dense" for n in range(39)]
    layers = [*(replace(one, name=name) for name in names), shallow.layers[-1]]
    similarity = np.full((41, 41), 0.5)
    return replace(
        shallow, layers=tuple(layers), similarity={"debiased": similarity}, snapshots=()
    )


def test_of_many_layers_some_are_drawn_and_told_apart(of_many_layers):
    sheet = layer_projections(of_many_layers)
    assert max(sheet.figure.get_size_inches()) < 16
    titles = [text for text in texts(sheet) if text.endswith(".output.dense")]
    assert len(titles) == 10
    assert len({*titles}) == 10
    assert titles[0] == "3.output.dense"
    table = probe_by_layer(of_many_layers)
    shown = [label.get_text() for label in table.get_xticklabels()]
    assert len(shown) == len({*shown}) == 12
    assert (shown[0], shown[-1]) == ("input", "output")


def test_the_similarity_of_many_layers_has_colours_and_few_names(of_many_layers):
    ax = layer_similarity(of_many_layers)
    assert texts(ax) == []
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(names) == len({*names}) == 16
    assert len(ax.figure.axes) == 2
    assert ax.figure.axes[1].get_ylabel() == "debiased linear CKA"


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["a.b.c", "a.b.d"], ["c", "d"]),
        (["input", "module.fc1", "module.fc2"], ["input", "fc1", "fc2"]),
        (["x.a", "a"], ["x.a", "a"]),
        (["x.a", "x.b", "a"], ["x.a", "x.b", "a"]),
        (["layer1.0", "layer2.0"], ["layer1.0", "layer2.0"]),
        (["net.0", "net.0.1"], ["0", "0.1"]),
        ([f"features.denseblock{n}.norm" for n in (1, 2)], ["…ck1.norm", "…ck2.norm"]),
    ],
)
def test_names_of_layers_lose_what_all_begin_with(names, labels):
    assert layer_labels(names, 9) == labels
