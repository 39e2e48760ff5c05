"""Each figure shows its record: labels, colours, numbers in their places."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import layerwise as lw
from layerwise.data import Samples
from layerwise.model import initial_network
from layerwise.presentation import class_colours
from layerwise.presentation.figures import (
    OF_INPUTS,
    OF_REPORT,
    OF_STUDY,
    checked_formats,
    component_images,
    confusion_matrix,
    decision_regions,
    health_over_time,
    layer_projections,
    probe_by_layer,
    projection,
    sample_sheet,
    save_figures,
    save_report_figures,
    training_curves,
    worst_mistakes,
)
from layerwise.presentation.figures._pictures import as_rgb, draw_mosaic
from layerwise.presentation.figures._points import draw_points, spread
from layerwise.presentation.figures._style import new_axes, written
from layerwise.statistics import Share
from layerwise.training import Epoch, History, Result


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def colours_of(drawn) -> list[str]:
    return [to_hex(colour) for colour in drawn.get_facecolors()]


def point_colours(ax) -> list[str]:
    return colours_of(ax.collections[0])


def study_of(classes: int, mistakes: int, study):
    """The study with this many classes, each once right, and so many mistakes."""
    targets = np.r_[np.arange(classes), np.zeros(mistakes, np.int64)].astype(np.int32)
    predictions = np.r_[np.arange(classes), np.ones(mistakes, np.int64)]
    return replace(
        study,
        class_names=tuple(f"class {i}" for i in range(classes)),
        inputs=study.inputs[: len(targets)],
        targets=targets,
        predictions=predictions,
        confidence=np.linspace(0.5, 0.9, len(targets)).astype(np.float32),
        accuracy=Share(classes, len(targets), 0.0, 1.0),
        shown=np.arange(len(targets)),
    )


def test_projection_axes_carry_their_share_of_the_variance(digits):
    ax = projection(digits.input_study)
    first, second = digits.input_study.layer.variance_shown
    assert ax.get_xlabel() == f"component 1 ({100 * first:.1f}\u202f% of variance)"
    assert ax.get_ylabel() == f"component 2 ({100 * second:.1f}\u202f% of variance)"
    assert ax.get_aspect() == 1


def plates(ax) -> np.ndarray:
    """Where the names' plates stand on paper: left, bottom, right, top of each."""
    ax.figure.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts]
    return np.array([box.extents for box in boxes])


def overlapping(boxes: np.ndarray) -> int:
    """How many pairs of boxes have a common part of more than their rims."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = (high - low > 2).all(axis=2)
    return int(np.triu(common, 1).sum())


def test_projection_writes_each_class_near_its_median(digits):
    layer, targets = digits.input_study.layer, digits.input_study.targets
    ax = projection(digits.input_study)
    assert texts(ax) == list(digits.data.class_names)
    span = np.ptp(layer.projection, axis=0).max()
    for index, text in enumerate(ax.texts):
        median = np.median(layer.projection[targets == index], axis=0)
        assert np.abs(text.get_position() - median).max() < 0.15 * span
    assert overlapping(plates(ax)) == 0


def test_a_name_stands_on_its_classs_colour(digits):
    ax = projection(digits.input_study)
    faces = [to_hex(text.get_bbox_patch().get_facecolor()) for text in ax.texts]
    assert faces == list(class_colours(10))


def test_names_hide_no_sample_where_there_is_room_beside(iris):
    for layer in iris.study:
        ax = projection(
            replace(iris.input_study, layer=layer, targets=iris.study.targets)
        )
        boxes = plates(ax)
        dots = ax.transData.transform(ax.collections[0].get_offsets())
        low, high = boxes[:, None, :2], boxes[:, None, 2:]
        assert not ((low < dots) & (dots < high)).all(axis=2).any()
        inner = ax.bbox.extents
        assert (boxes[:, :2] > inner[:2] - 1).all()
        assert (boxes[:, 2:] < inner[2:] + 1).all()


def test_names_on_one_place_are_moved_apart(digits):
    layer = digits.input_study.layer
    points = np.zeros_like(layer.projection)
    points[0] = 10
    layer = replace(layer, planes={"components": points})
    ax = projection(replace(digits.input_study, layer=layer))
    assert overlapping(plates(ax)) == 0


def test_a_class_has_one_colour_everywhere(moons):
    study, inputs = moons.study, moons.input_study
    expected = [class_colours(2)[target] for target in inputs.targets]
    assert point_colours(projection(inputs)) == expected
    expected = [class_colours(2)[target] for target in study.targets]
    assert point_colours(worst_mistakes(study)) == expected
    regions = decision_regions(moons.result.network, moons.data.test)
    assert point_colours(regions) == expected
    tiles = layer_projections(study).collections
    assert [colours_of(tile) for tile in tiles] == [expected] * len(list(study))


def test_mistakes_are_ringed(moons):
    study = replace(moons.study, shown=np.arange(1, 45, 2))
    wrong = np.flatnonzero(study.predictions != study.targets)
    ringed = wrong[wrong % 2 == 1]
    assert 0 < len(ringed) < len(wrong)
    drawn, rings = worst_mistakes(study).collections
    np.testing.assert_array_equal(drawn.get_offsets(), study.inputs[1::2])
    np.testing.assert_array_equal(rings.get_offsets(), study.inputs[ringed])


def test_planes_have_the_colours_of_the_samples_shown(digits):
    shown = np.arange(0, 270, 3)
    layers = [
        replace(layer, planes={name: p[shown] for name, p in layer.planes.items()})
        for layer in digits.study
    ]
    study = replace(
        digits.study, input=layers[0], layers=tuple(layers[1:]), shown=shown
    )
    expected = [class_colours(10)[target] for target in study.targets[shown]]
    for plane in ("components", "discriminants"):
        tiles = layer_projections(study, plane).collections
        assert [colours_of(tile) for tile in tiles] == [expected] * 4


def test_figures_draw_on_the_axes_given(digits):
    study = digits.study
    for drawn in (confusion_matrix, probe_by_layer, worst_mistakes):
        ax = Figure().add_subplot()
        assert drawn(study, ax=ax) is ax
        assert ax.has_data()


def test_mosaic_puts_each_picture_in_its_cell():
    pictures = np.zeros((2, 4, 4), np.uint8)
    pictures[0, 0, 0] = pictures[1, 3, 3] = 200
    cells = np.array([[0, 0], [1, 2]])
    ax = Figure().add_subplot()
    draw_mosaic(ax, as_rgb(pictures), cells, spacing=(1.5, 1.25))
    picture = ax.images[0].get_array()
    assert picture.shape == (12, 15, 3)
    assert tuple(ax.images[0].get_extent()) == (0, 3, 2, 0)
    # Mostly dark pictures are ink on paper: white ground, and black where they are 200.
    assert np.argwhere(picture[..., 0] == 0).tolist() == [[0, 0], [9, 13]]
    assert (picture == 1).sum() == picture.size - 6


def test_bright_and_coloured_pictures_keep_their_values():
    bright = np.array([[[0, 100], [200, 200]]], np.uint8)
    assert as_rgb(bright)[0, ..., 0].tolist() == [[0, 0.5], [1, 1]]
    coloured = np.array([[[[0, 0, 255], [0, 51, 0]]]], np.uint8)
    assert as_rgb(coloured)[0].tolist() == [[[0, 0, 1], [0, 0.2, 0]]]


def test_sample_sheet_shows_five_of_each_class_beside_its_name(digits):
    samples, names = digits.data.train, digits.data.class_names
    ax = sample_sheet(digits.data)
    assert texts(ax) == list(names)
    image = ax.images[0].get_array()
    fifth = samples.inputs[np.flatnonzero(samples.targets == 0)[4]]
    # One cell for the name, four pictures, each eight pixels and one of white.
    np.testing.assert_allclose(image[:8, 45:53, 0], 1 - fifth / 16)


def test_sample_sheet_refuses_what_is_no_picture(iris):
    with pytest.raises(lw.InputError, match="shows pictures"):
        sample_sheet(iris.data)


def test_sample_sheet_of_many_classes_some_without_samples(digits):
    targets = np.resize(np.arange(0, 30, 2), 40)
    samples = Samples(digits.data.train.inputs[:40], targets)
    names = tuple(f"name {i}" for i in range(30))
    data = replace(digits.data, train=samples, class_names=names)
    assert texts(sample_sheet(data)) == list(names)


def test_component_images_are_even_about_zero(digits):
    layer = digits.input_study.layer
    ax = component_images(digits.input_study)
    drawn = ax.images[0].get_array()
    shares = 100 * layer.components.explained_variance_ratio
    for index, component in enumerate(layer.components.components):
        row, column = divmod(index, 5)
        top, left = row * drawn.shape[0] // 2, column * drawn.shape[1] // 5
        image = component.reshape(8, 8)
        shade = 0.5 + image / (2 * np.abs(image).max())
        tile = drawn[top : top + 8, left : left + 8]
        np.testing.assert_allclose(tile, colormaps["RdBu"](shade)[..., :3], atol=1e-12)
        assert texts(ax)[index] == f"{index + 1}: {shares[index]:.1f}\u202f%"
    assert len(texts(ax)) == 10


def test_component_images_refuse_what_has_no_pictures_shape(digits, iris, moons):
    for study in (iris.input_study, moons.input_study):
        with pytest.raises(lw.InputError, match=r"as pictures of shape \("):
            component_images(study)
    projected = replace(digits.input_study, layer=iris.input_study.layer)
    with pytest.raises(lw.InputError, match="4 units"):
        component_images(projected)


def test_training_curves_show_every_epoch(digits):
    left, right = training_curves(digits.result).axes
    epochs = digits.result.history.epochs
    assert (left.get_ylabel(), right.get_ylabel()) == (
        "mean loss (nats)",
        "accuracy (%)",
    )
    assert left.get_xlabel() == right.get_xlabel() == "step"
    assert left.get_yscale() == "log"
    drawn = {line.get_label(): line for line in left.lines}
    losses = [epoch.validation_loss for epoch in epochs]
    assert drawn["validation set"].get_ydata().tolist() == losses
    assert drawn["train set"].get_xdata().tolist() == [epoch.step for epoch in epochs]
    drawn = {line.get_label(): line for line in right.lines}
    accuracies = [epoch.train_accuracy for epoch in epochs]
    assert drawn["train set"].get_ydata().tolist() == accuracies


def test_the_names_of_the_curves_stand_above_them(iris):
    """Where accuracies are low they once stood on the curves."""
    epochs = tuple(Epoch(i, 3 * i, 1.1, 1.3, 0.4, 1.4, 0.3) for i in (1, 2))
    history = History(*np.full((2, 6), 0.4, np.float32), epochs)
    figure = training_curves(replace(iris.result, history=history))
    figure.draw_without_rendering()
    (key,) = figure.legends
    assert [text.get_text() for text in key.get_texts()] == [
        "batches", "train set", "validation set"
    ]  # fmt: skip
    assert key.get_window_extent().y0 > max(ax.bbox.y1 for ax in figure.axes)


def recorded(report, layers: int, records: int, steps: int) -> Result:
    """A training of so many layers and records of them, all numbers different."""
    health = np.arange(1.0, 1 + records * layers * 8).reshape(records, layers, 8)
    ones = np.ones(steps, np.float32)
    return replace(
        report.result,
        history=History(ones, ones, health=health),
        network=initial_network(lw.MLP([2] * (layers - 1)), report.data),
    )


@pytest.mark.parametrize(
    ("layers", "named"), [(1, [0]), (5, [*range(5)]), (21, [*range(0, 21, 3), 20])]
)
def test_the_key_of_health_says_which_shade_is_which_layer(iris, layers, named):
    result = recorded(iris, layers, 3, 100)
    names = result.network.layer_names
    figure = health_over_time(result)
    (key,) = figure.legends
    assert [text.get_text() for text in key.get_texts()] == [names[i] for i in named]
    drawn = figure.axes[0].get_lines()
    for handle, place in zip(key.get_lines(), named, strict=True):
        assert to_hex(handle.get_color()) == to_hex(drawn[place].get_color())


def test_health_of_one_record_has_steps_on_its_axis(iris):
    figure = health_over_time(recorded(iris, 2, 1, 3))
    written(figure)
    for ax in figure.axes:
        end = ax.get_xlim()[1]
        ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
        shown = [label.get_text() for place, label in ticks if place < end]
        assert shown == ["0", "1", "2", "3"]
    assert texts(figure.axes[2]) == ["no epoch finished"]


def test_batches_are_averaged_over_stretches_of_steps(iris):
    losses = np.arange(1, 1001, dtype=np.float32)
    history = History(losses, losses / 1000)
    left, _ = training_curves(replace(iris.result, history=history)).axes
    line = left.lines[0]
    assert line.get_xdata().tolist() == np.arange(2.5, 1000, 4).tolist()
    assert line.get_ydata().tolist() == np.arange(2.5, 1000, 4).tolist()


@pytest.mark.parametrize(
    "losses", [[2.0, 3.0, np.inf], [np.nan], [1e-3, 1e30, np.nan], [0.0, 0.0], []]
)
def test_training_curves_of_odd_losses(iris, losses):
    losses = np.array(losses, np.float32)
    history = History(losses, np.zeros_like(losses))
    figure = training_curves(replace(iris.result, history=history))
    written(figure)
    wanted = [
        f"not finite at step {i + 1}" for i in np.flatnonzero(~np.isfinite(losses))
    ]
    assert texts(figure.axes[0]) == wanted


def test_curves_of_epochs_alone(iris):
    history = History(epochs=(Epoch(1, 10, 0.1, 2.0, 0.5, 2.5, 0.4),))
    figure = training_curves(replace(iris.result, history=history))
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [
        [2.0],
        [2.5],
    ]


def test_layer_sheet_names_every_layer_with_its_figures(digits):
    written = texts(layer_projections(digits.study))
    names = ["input", "hidden1", "hidden2", "output"]
    assert [text for text in written if text in names] == names
    layer = digits.study.layers[0]
    probe, shown_share = layer.probe_accuracy.value, layer.variance_shown.sum()
    first, second = written[written.index("hidden1") + 1].split("\n")
    assert first == (
        f"probe accuracy {100 * probe:.1f}\u202f%, "
        f"{100 * shown_share:.1f}\u202f% of variance"
    )
    assert second.startswith(f"{layer.participation_ratio:.3g} of 16 dimensions")


def test_a_tile_keeps_distances_and_says_how_long_a_length_is(digits):
    study = digits.study
    ax = layer_projections(study)
    scales = [line for line in ax.lines if len(line.get_xdata()) == 2]
    for layer, tile, line in zip(study, ax.collections, scales, strict=True):
        inches = np.asarray(tile.get_offsets()) * (1, -1)
        scale = np.ptp(inches[:, 0]) / np.ptp(layer.projection[:, 0])
        moved = scale * (layer.projection - layer.projection[0])
        np.testing.assert_allclose(inches - inches[0], moved, atol=1e-5)
        length = np.ptp(line.get_xdata()) / scale
        assert f"{length:.4g}" in texts(ax)


def test_probe_figures_stand_in_their_cells(digits):
    study = digits.study
    ax = probe_by_layer(study)
    assert ax.get_xlabel() == "layer"
    assert ax.get_ylabel() == "class"
    written = {text.get_position(): text.get_text() for text in ax.texts}
    for column, layer in enumerate(study):
        expected = [layer.probe_accuracy.value, *layer.probe_recall]
        for row, share in enumerate(expected):
            assert written[column, row] == f"{100 * share:.1f}"


def test_a_class_without_samples_has_no_probe_figure(digits):
    layer = digits.study.input
    recall = layer.probe_recall.copy()
    recall[3] = np.nan
    study = replace(digits.study, input=replace(layer, probe_recall=recall))
    written = {t.get_position(): t.get_text() for t in probe_by_layer(study).texts}
    assert written[0, 4] == "–"


@pytest.mark.parametrize("classes", [41, 214, 1000])
def test_confusion_matrix_of_many_classes_names_some_and_writes_none(digits, classes):
    ax = confusion_matrix(study_of(classes, 3, digits.study))
    assert not ax.texts
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert 2 <= len(names) <= 40
    assert [f"class {int(place)}" for place in ax.get_xticks()] == names
    assert len(written(ax)) > 1000


@pytest.mark.parametrize("classes", [2, 12, 100, 214, 3000])
def test_names_of_many_classes_stay_in_the_axes(classes):
    """All of twelve; of more the most frequent ones, as many as there is room for."""
    rng = np.random.default_rng(0)
    targets = np.r_[np.arange(classes), np.full(9, classes - 1)].astype(np.int32)
    ax = new_axes(4.0, 4.0)
    names = tuple(f"a class {i}" for i in range(classes))
    draw_points(ax, rng.normal(size=(len(targets), 2)), targets, names)
    named = [text.get_text() for text in ax.texts]
    assert len(named) == min(classes, 12)
    assert names[-1] in named
    places = np.array([text.get_position() for text in ax.texts])
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    assert ((places > low - 1) & (places < high + 1)).all()
    assert len(written(ax)) > 1000


def test_heights_of_many_names_do_not_run_away():
    heights = np.random.default_rng(0).normal(size=500)
    assert np.abs(spread(heights, 1.0)).max() < 500


@pytest.mark.parametrize("classes", [2, 10, 30])
def test_confusion_matrix_writes_every_count(digits, classes):
    study = study_of(classes, 1234 if classes == 2 else 3, digits.study)
    study = replace(study, inputs=np.zeros((len(study.targets), 8, 8), np.uint8))
    ax = confusion_matrix(study)
    assert ax.get_xlabel() == "predicted class"
    assert ax.get_ylabel() == "labelled class"
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    wrong = {(1, 0): f"{len(study.mistakes):,}"}
    assert cells == {(i, i): "1" for i in range(classes)} | wrong
    written(ax)


def test_worst_mistakes_come_most_confident_first(digits):
    study = digits.study
    captions = texts(worst_mistakes(study))
    assert len(captions) == min(len(study.mistakes), 18)
    worst = study.mistakes[0]
    assert captions[0].startswith(
        f"label {study.targets[worst]}\npredicted {study.predictions[worst]}\n"
    )
    assert captions[0].endswith(f", row {digits.data.test.rows[worst]:,}")


def test_no_mistakes_are_said_to_be_none(digits):
    assert texts(worst_mistakes(study_of(10, 0, digits.study))) == ["no errors"]


def test_mistakes_of_tables_are_not_drawn(iris):
    with pytest.raises(lw.InputError, match="pairs of numbers"):
        worst_mistakes(iris.study)


def test_regions_have_the_predicted_classes_colour(moons):
    ax = decision_regions(moons.result.network, moons.data.test)
    image, (left, right, bottom, top) = ax.images[0], ax.images[0].get_extent()
    assert image.origin == "lower"
    ground = np.asarray(image.get_array())
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, 200, (2, 50))
    points = np.stack(
        [left + (right - left) * columns / 199, bottom + (top - bottom) * rows / 199],
        axis=1,
    )
    probabilities = moons.result.network.predict_proba(points)
    certain = np.abs(probabilities[:, 0] - 0.5) > 0.1
    assert certain.sum() > 20
    # Blue is the first class's colour, orange the second's.
    bluish = ground[rows, columns, 2] > ground[rows, columns, 0]
    expected = probabilities.argmax(axis=1) == 0
    np.testing.assert_array_equal(bluish[certain], expected[certain])


def test_regions_refuse_other_inputs(iris):
    with pytest.raises(lw.InputError, match="two numbers"):
        decision_regions(iris.result.network, iris.data.test)


def names_of(report) -> set[str]:
    """Which figures there are of a report."""
    tables = (OF_REPORT, report), (OF_INPUTS, report.input_study)
    if report.study is not None:
        tables = (*tables, (OF_STUDY, report.study))
    return {f.name for table, record in tables for f in table if f.when(record)}


def test_all_figures_suit_the_data(digits, iris, moons, diverged):
    measured = {"discriminants", "probes", "measures", "pairs", "epochs", "similarity"}
    inside = {"layers", *measured, "confusion", "reliability"}
    always = {"input", "training", "health"}
    pictures = {"samples", "components", "mistakes", "suspects"}
    assert names_of(digits) == {*always, *inside, *pictures}
    assert names_of(iris) == {*always, *inside}
    assert names_of(moons) == {*always, "regions", *inside, "mistakes"}
    assert names_of(diverged) == always


def test_what_says_nothing_anywhere_has_no_regions(moons):
    lost = moons.result.test._replace(loss=float("nan"))
    lost = replace(moons.result, test=lost)
    assert "regions" not in names_of(replace(moons, result=lost, study=None))


def test_figures_are_saved_by_their_names(tmp_path, digits):
    paths = save_report_figures(digits, tmp_path / "new" / "figures")
    assert {path.stem for path in paths} == names_of(digits)
    assert {*(tmp_path / "new" / "figures").iterdir()} == {*paths}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


@pytest.mark.parametrize(
    ("form", "begins"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_figures_are_saved_in_each_format(tmp_path, digits, form, begins):
    confusion = [figure for figure in OF_STUDY if figure.name == "confusion"]
    (path,) = save_figures(confusion, digits.study, tmp_path, [form])
    assert path.name == f"confusion.{form}"
    assert path.read_bytes().startswith(begins)
    assert path.read_bytes() == written(confusion_matrix(digits.study), form)


def test_formats_are_checked():
    assert checked_formats("svg, pdf,svg") == ("svg", "pdf")
    with pytest.raises(lw.InputError, match="--figures gif: choose from png, svg"):
        checked_formats("png,gif")


def test_hostile_names_are_drawn_as_text(hostile, tmp_path):
    assert save_report_figures(hostile, tmp_path)
