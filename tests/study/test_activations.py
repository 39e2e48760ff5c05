"""Activations from anywhere: their study against formulas written out, and in parts."""

from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import rows_in_files, stratified_split
from layerwise.errors import DamagedError, InputError
from layerwise.study import (
    Counting,
    count_activations,
    joined,
    load_counted,
    save_counted,
    studies_of,
)


@pytest.fixture(scope="module")
def rows():
    """Two layers of 3,000 rows: in the second the classes are further apart."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3000)
    first = rng.normal(size=(3000, 6)).astype(np.float32)
    first[:, :3] += 1.5 * np.eye(3, dtype=np.float32)[labels]
    second = rng.normal(5, 1, (3000, 4)) + 4 * np.eye(3, 4)[labels]
    second[:, 3] = 7
    return {"fc1": first, "fc2": second}, labels


@pytest.fixture(scope="module")
def study(rows):
    return lw.inspect_activations(*rows)


def test_the_study_is_fitted_on_all_rows_but_those_it_scores(rows, study):
    layers, labels = rows
    assert [layer.name for layer in study.layers] == ["fc1", "fc2"]
    assert study.class_names == ("0", "1", "2")
    assert (study.fitted_on, study.scored_on) == ("1,500 rows", "1,500 rows held out")
    assert study.input is study.predictions is study.accuracy is None
    for layer in study.layers:
        array = layers[layer.name]
        fit = np.setdiff1d(np.arange(3000), stratified_split(labels, [1.0, 1.0], 0)[0])
        assert layer.moments.count == 1500
        for label in range(3):
            own = array[fit][labels[fit] == label].astype(float)
            mean = layer.moments.class_means[label]
            assert np.allclose(mean, own.mean(axis=0), rtol=0, atol=1e-12)
        covariance = np.cov(array[fit].astype(float).T)
        assert np.allclose(layer.moments.covariance, covariance, rtol=0, atol=1e-12)
    assert study.layers[0].dead_units == 0
    assert study.layers[1].dead_units == 1
    assert study.layers[1].separability > study.layers[0].separability + 0.1


def test_its_probe_is_least_squares_on_those_rows(rows, study):
    layers, labels = rows
    held = stratified_split(labels, [1.0, 1.0], 0)[0]
    fit = np.setdiff1d(np.arange(3000), held)
    for layer in study.layers:
        array = layers[layer.name].astype(float)
        design = np.hstack([array, np.ones((3000, 1))])
        weights, *_ = np.linalg.lstsq(design[fit], np.eye(3)[labels[fit]], rcond=None)
        predicted = (design[held] @ weights).argmax(axis=1)
        assert np.array_equal(layer.probe_predictions, predicted)


def test_of_many_rows_ten_thousand_are_held_out():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 25_000)
    array = rng.normal(size=(25_000, 2)) + labels[:, None]
    study = lw.inspect_activations({"x": array}, labels)
    assert (study.fitted_on, study.scored_on) == ("15,000 rows", "10,000 rows held out")
    assert len(study.layers[0].probe_predictions) == 10_000


def test_several_columns_of_labels_share_one_pass(rows):
    layers, labels = rows
    other = np.where(layers["fc1"][:, 5] > 0, "high", "low")
    reads = []

    def watch(done, total):
        reads.append((done, total))

    both = lw.inspect_activations(layers, {"digit": labels, "u5": other}, watch=watch)
    assert reads[-1] == (6000, 6000)
    assert list(both) == ["digit", "u5"]
    assert both["u5"].class_names == ("high", "low")
    assert both["u5"].layers[0].separability > 0.95
    assert both["digit"].name == "activations: digit"
    for name, values in (("digit", labels), ("u5", other)):
        # The draw is stratified by the combinations: the same rows for each column.
        found = both[name].layers[0].moments
        code = np.unique(values, return_inverse=True)[1]
        combination = np.unique(labels * 2 + (other == "low"), return_inverse=True)[1]
        held = stratified_split(combination, [1.0, 1.0], 0)[0]
        fit = np.setdiff1d(np.arange(3000), held)
        for label in range(len(found.counts)):
            own = layers["fc1"][fit][code[fit] == label].astype(float)
            assert found.counts[label] == len(own)
            assert np.allclose(found.class_means[label], own.mean(0), atol=1e-12)


@pytest.mark.parametrize("kind", ["torch", "mapped", "files", "uint8"])
def test_rows_may_be_anywhere(rows, study, kind, tmp_path):
    layers, labels = rows
    given, expected = layers, study
    if kind == "torch":
        import torch

        given = {name: torch.from_numpy(array) for name, array in layers.items()}
    elif kind == "uint8":
        whole = np.clip(layers["fc1"] * 30 + 100, 0, 255).astype(np.uint8)
        given = {"fc1": whole.reshape(3000, 2, 3)}
        expected = lw.inspect_activations({"fc1": whole.astype(np.float64)}, labels)
    else:
        for name, array in layers.items():
            np.save(tmp_path / f"{name}.npy", array)
        given = {
            name: np.load(tmp_path / f"{name}.npy", mmap_mode="r")
            if kind == "mapped"
            else rows_in_files([tmp_path / f"{name}.npy"])
            for name in layers
        }
    found = lw.inspect_activations(given, labels)
    for one, other in zip(found.layers, expected.layers, strict=True):
        assert one.probe_accuracy == other.probe_accuracy
        assert np.allclose(one.moments.covariance, other.moments.covariance, atol=1e-12)
        assert one.measures.values == pytest.approx(other.measures.values, nan_ok=True)


def test_wide_layers_and_fast_sums_are_told(rows):
    layers, labels = rows
    wide = {"wide": np.hstack([layers["fc1"], layers["fc2"]])}
    study = lw.inspect_activations(wide, labels, precision="fast", max_units=5)
    told = {finding.kind: finding for finding in study.findings}
    assert told["projected"].evidence == {
        "layer": "wide",
        "units": 10,
        "width": 5,
        "seed": 0,
    }
    assert (
        "to 5 dimensions. The orthogonal directions are random (seed 0)"
        in told["projected"].text
    )
    assert 0 < told["fast"].evidence["measured"] < told["fast"].evidence["bound"]
    layer = study.layers[0]
    assert layer.components.components.shape == (5, 10)
    assert layer.dead_units == 1
    assert np.isnan(layer.measures.values["duplicate_units"])
    exact = lw.inspect_activations(wide, labels)
    assert not {"projected", "fast"} & {finding.kind for finding in exact.findings}


class TestParts:
    @pytest.fixture
    def counted(self, rows):
        layers, labels = rows
        given = {"digit": labels, "even": labels % 2}
        return [
            count_activations(layers, given, Counting(), (number, 7))
            for number in range(1, 8)
        ]

    def test_joined_they_are_the_whole(self, rows, counted, tmp_path):
        layers, labels = rows
        paths = [tmp_path / f"{number}.part" for number in range(7)]
        for part, path in zip(counted, paths, strict=True):
            save_counted(part, path)
        some = joined([load_counted(paths[i]) for i in (5, 0, 3)])
        whole = joined([some, *(load_counted(paths[i]) for i in (6, 1, 4, 2))])
        found = studies_of(whole)
        expected = lw.inspect_activations(layers, {"digit": labels, "even": labels % 2})
        assert list(found) == list(expected)
        for name, one in found.items():
            other = expected[name]
            assert np.array_equal(one.targets, other.targets)
            for layer, due in zip(one.layers, other.layers, strict=True):
                assert np.array_equal(layer.moments.counts, due.moments.counts)
                scale = np.abs(due.moments.total_scatter).max()
                wrong = layer.moments.total_scatter - due.moments.total_scatter
                assert np.abs(wrong).max() <= 1e-14 * scale
                assert np.array_equal(layer.probe_predictions, due.probe_predictions)
                assert np.array_equal(layer.sample, due.sample)

    def test_bytes_are_joined_without_any_rounding(self, rows):
        _, labels = rows
        layers = {"x": np.random.default_rng(2).integers(0, 256, (3000, 5), np.uint8)}
        whole = count_activations(layers, labels, Counting())
        parts = [
            count_activations(layers, labels, Counting(), (i, 3)) for i in (1, 2, 3)
        ]
        found = joined(parts).layers["x"].moments
        for name, array in whole.layers["x"].moments.to_arrays().items():
            assert np.array_equal(found.to_arrays()[name], array), name

    def test_a_missing_part_is_named(self, counted):
        with pytest.raises(InputError, match="rows 428 to 856 of 3,000"):
            studies_of(joined([*counted[:1], *counted[2:]]))
        with pytest.raises(InputError, match=r"rows 2,571 to 2,999 of 3,000"):
            studies_of(joined(counted[:-1]))
        with pytest.raises(InputError, match=r"rows 0 to 427 of 3,000"):
            studies_of(joined(counted[1:]))

    def test_a_part_given_twice_is_named(self, counted):
        with pytest.raises(InputError, match="rows 428 to 856 are in two parts"):
            joined([*counted, counted[1]])

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"rows": 9}, "different rows"),
            ({"digest": "x"}, "different labels"),
            ({"layers": {}}, "different layers"),
        ],
    )
    def test_parts_of_different_arrays_are_refused(self, counted, change, said):
        with pytest.raises(InputError, match=said):
            joined([counted[0], replace(counted[1], **change)])

    def test_a_damaged_part_is_noticed(self, counted, tmp_path):
        path = tmp_path / "part"
        save_counted(counted[0], path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 8
        path.write_bytes(content)
        with pytest.raises(DamagedError):
            load_counted(path)

    @pytest.mark.parametrize("part", [(0, 3), (4, 3)])
    def test_a_part_that_is_none_is_refused(self, rows, part):
        with pytest.raises(InputError, match=f"part {part[0]} of 3"):
            count_activations(*rows, Counting(), part)


@pytest.mark.parametrize(
    ("layers", "y", "said"),
    [
        ({}, [0, 1], "no layers"),
        ({"a": np.ones((4, 1))}, {}, "no labels"),
        ({"a": np.ones((4, 1)), "b": np.ones((3, 1))}, [0, 1], "b has 3 rows where a"),
        ({"a": np.ones((4, 1))}, [0, 1], "4 inputs but 2 labels"),
        ({"a": np.ones((4, 1))}, [1] * 4, "all rows are of class '1'"),
        ({"a": np.ones((4, 1))}, [0.5] * 4, "label of row 0"),
        ({"a": np.array(["x"] * 4)}, [0, 1] * 2, "dtype <U1: give rows"),
        ({"a": [[1.0], [1.0, 2.0]]}, [0, 1], "a: not an array"),
        ({"a": np.ones((1, 1))}, [0], "all rows are of class"),
    ],
)
def test_what_cannot_be_studied_is_named(layers, y, said):
    with pytest.raises(InputError, match=said) as caught:
        lw.inspect_activations(layers, y)
    assert "\n" not in str(caught.value)


def test_a_bad_value_is_named_with_its_layer(rows):
    layers, labels = rows
    for row in (0, 1, 2, 3, 2999):  # some of them are held out
        changed = layers["fc2"].copy()
        changed[row, 1] = np.inf
        said = rf"^fc2: row {row}, column 1 \(counted from 0\) is inf"
        with pytest.raises(InputError, match=said):
            lw.inspect_activations({"fc2": changed}, labels)
    with pytest.raises(InputError, match=r"^fc2: row 2999, column 1"):
        count_activations({"fc2": changed}, labels, Counting(), (2, 2))


def test_held_out_rows_go_through_the_projection_of_the_others(rows):
    """Of rows that are much alike, much the same is measured in both."""
    layers, labels = rows
    study = lw.inspect_activations(
        {"fc1": np.tile(layers["fc1"], (2, 1))}, np.tile(labels, 2), max_units=3
    )
    values = study.layers[0].measures.values
    fitted, scored = values["collapse_within"], values["collapse_within_scored"]
    assert scored == pytest.approx(fitted, rel=0.1)


def test_too_many_combinations_of_labels_are_refused():
    values = np.arange(12_000)
    with pytest.raises(InputError, match="have 12,000 combinations"):
        lw.inspect_activations(
            {"x": np.ones((12_000, 1))}, {"a": values // 100, "b": values % 100}
        )
