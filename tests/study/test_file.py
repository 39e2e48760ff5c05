"""A study is written and read: the same to the last bit, and nothing is run."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import KeptInputs, Samples, describe
from layerwise.errors import DamagedError, InputError
from layerwise.study import load_study, save_study


def same(one, other) -> bool:
    """Whether two records are alike in all they hold, NaN being itself."""
    if isinstance(one, np.ndarray):
        equal = np.array_equal if one.dtype.kind in "OU" else same_numbers
        return equal(one, other)
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, Mapping):
        return [*one] == [*other] and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return (
            type(one) is type(other)
            and len(one) == len(other)
            and all(map(same, one, other))
        )
    return one == other or (one != one and other != other)


def same_numbers(one: np.ndarray, other: np.ndarray) -> bool:
    nan = one.dtype.kind == "f"
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=nan)


def told_apart(study, change) -> bool:
    return not same(study, change(study))


def test_comparing_sees_a_difference(study):
    """Of what the tests below rest on."""
    assert same(study, replace(study))
    layer = study.layers[0]
    other = replace(layer, sample=layer.sample + 1)
    assert told_apart(study, lambda s: replace(s, layers=(other, *s.layers[1:])))
    assert told_apart(study, lambda s: replace(s, findings=s.findings[1:]))


def test_a_study_comes_back_as_it_was(study, digits, tmp_path):
    statistics = describe(digits)
    save_study(study, tmp_path / "s", {"statistics": statistics, "of": {"step": 3}})
    again, beside = load_study(tmp_path / "s", digits.test.inputs)
    assert same(again, study)
    assert same(beside, {"of": {"step": 3}, "statistics": statistics})


def test_what_was_kept_of_inputs_comes_back(study, tmp_path):
    texts = np.array(["a", "</script>"], object)
    study = replace(study, inputs=KeptInputs(np.array([5, 3]), texts))
    save_study(study, tmp_path / "s", {})
    again, _ = load_study(tmp_path / "s")
    assert again.inputs[[3, 5]].tolist() == ["</script>", "a"]


def test_so_does_one_of_stored_activations(blobs, tmp_path):
    rows, labels = blobs(300, 40)
    study = lw.inspect_activations({"fc.1": rows}, labels, max_units=8)
    save_study(study, tmp_path / "s", {})
    assert same(load_study(tmp_path / "s")[0], study)


def test_a_damaged_one_is_noticed(study, tmp_path):
    save_study(study, tmp_path / "s", {})
    content = bytearray((tmp_path / "s").read_bytes())
    content[-9] ^= 1
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(DamagedError, match="damaged"):
        load_study(tmp_path / "s")
    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "none")


@pytest.mark.parametrize(
    "study", [{"kind": "Path", "fields": {}}, {"kind": "Share", "fields": {"x": 1}}, 3]
)
def test_other_kinds_are_not_made(study, tmp_path):
    from layerwise.files import write_tensors

    write_tensors(tmp_path / "s", {}, {"format": "study-4", "study": study})
    with pytest.raises(DamagedError, match="not a study"):
        load_study(tmp_path / "s")


def test_what_is_no_part_of_a_study_is_not_written(study, tmp_path):
    samples = Samples(np.zeros((2, 1)), np.array([0, 1]))
    with pytest.raises(TypeError, match="beside: a Samples is no part of a study"):
        save_study(study, tmp_path / "s", {"beside": samples})
    assert not (tmp_path / "s").exists()
