"""Array namespaces and trees of arrays."""

import signal
from types import SimpleNamespace

import numpy as np
import pytest

from layerwise import arrays
from layerwise.arrays import (
    automatic_gradient,
    has_accelerator,
    leaves,
    named_leaves,
    namespace,
    one_hot,
    to_numpy,
    tree_like,
    tree_map,
)
from layerwise.errors import InputError

TREE = ({"W": np.arange(6.0).reshape(2, 3), "b": np.zeros(3)}, ({"g": np.ones(2)}, {}))


def test_a_namespace_for_each_library(xp):
    array = xp.asarray(np.ones((2, 3)))
    sums = xp.run(lambda rows: namespace(rows).sum(rows, axis=0), array)
    assert to_numpy(sums).tolist() == [2, 2, 2]
    assert namespace(array, array) is namespace(array)


def test_libraries_do_not_mix():
    import torch

    with pytest.raises(TypeError):
        namespace(np.ones(2), torch.ones(2))
    with pytest.raises(TypeError):
        namespace([1, 2])


def test_to_numpy(xp):
    array = np.arange(6.0).reshape(2, 3)
    found = to_numpy(xp.asarray(array))
    assert type(found) is np.ndarray
    assert np.array_equal(found, array)


def test_to_numpy_detaches_and_copies_nothing():
    import torch

    tensor = torch.ones(2, requires_grad=True)
    assert np.shares_memory(to_numpy(tensor), tensor.detach().numpy())
    array = np.ones(2)
    assert to_numpy(array) is array


def test_one_hot(xp):
    labels = xp.asarray(np.array([2, 0, 1], np.int32))
    like = xp.asarray(np.zeros(1))
    rows = xp.run(lambda labels, like: one_hot(labels, 4, like), labels, like)
    assert to_numpy(rows).dtype == np.float64
    assert np.array_equal(to_numpy(rows), np.eye(4)[[2, 0, 1]])


def test_one_hot_has_the_dtype_it_is_told():
    rows = one_hot(np.array([1], np.uint8), 300, np.zeros(0, np.float32))
    assert (rows.dtype, rows.argmax()) == (np.float32, 1)


def test_leaves_and_their_names():
    names = ["0.W", "0.b", "1.0.g"]
    assert [name for name, _ in named_leaves(TREE)] == names
    assert [leaf.shape for leaf in leaves(TREE)] == [(2, 3), (3,), (2,)]
    assert leaves(({}, ())) == []


def test_tree_map_keeps_the_form():
    doubled = tree_map(lambda a, b: a + b, TREE, TREE)
    assert isinstance(doubled, tuple)
    assert doubled[1][1] == {}
    for (_, one), (_, two) in zip(
        named_leaves(TREE), named_leaves(doubled), strict=True
    ):
        assert np.array_equal(two, 2 * one)


def test_tree_map_refuses_other_forms():
    with pytest.raises(ValueError, match="zip"):
        tree_map(max, (1, 2), (1,))
    with pytest.raises(KeyError):
        tree_map(max, {"a": 1}, {"b": 1})


def test_tree_like_is_the_inverse_of_named_leaves():
    again = tree_like(TREE, dict(named_leaves(TREE)))
    for (name, one), (other, two) in zip(
        named_leaves(TREE), named_leaves(again), strict=True
    ):
        assert name == other
        assert one is two


def test_tree_like_names_what_does_not_fit():
    named = dict(named_leaves(TREE))
    with pytest.raises(ValueError, match=r"^0\.b is missing$"):
        tree_like(TREE, {n: a for n, a in named.items() if n != "0.b"})
    with pytest.raises(ValueError, match=r"^0\.b has shape \(4,\), expected \(3,\)$"):
        tree_like(TREE, named | {"0.b": np.zeros(4)})


def test_automatic_gradient_is_exact():
    tree = {"a": np.array([1.0, 2]), "b": np.array([5.0])}
    found = automatic_gradient(lambda t: (t["a"] ** 3).sum() * t["b"][0], tree)
    assert found["a"].tolist() == [15, 60]
    assert found["b"].tolist() == [9]
    assert found["a"].dtype == np.float64


def test_an_interrupt_waits_for_an_automatic_gradient():
    traced = []

    def function(tree):
        signal.raise_signal(signal.SIGINT)
        traced.append(True)
        return tree.sum()

    with pytest.raises(KeyboardInterrupt):
        automatic_gradient(function, np.ones(2))
    assert traced == [True]


def test_no_automatic_gradient_of_what_jax_cannot_trace():
    def by_name(tree):
        return np.exp(tree["a"]).sum()

    def by_value(tree):
        return tree["a"].sum() if tree["a"][0] > 0 else tree["a"].mean()

    def by_mask(tree):
        return tree["a"][tree["a"] > 0].sum()

    tree = {"a": np.ones(2)}
    assert [automatic_gradient(f, tree) for f in (by_name, by_value, by_mask)] == [
        None,
        None,
        None,
    ]


class TestAccelerator:
    @pytest.fixture
    def machine(self, monkeypatch):
        """A machine with these packages, whose default device is of this platform."""

        def made(*packages: str, platform: str = "cuda") -> list[str | None]:
            asked: list[str | None] = []

            def device_named(name):
                asked.append(name)
                return SimpleNamespace(platform=name or platform)

            monkeypatch.setattr(arrays, "device_named", device_named)
            monkeypatch.setattr(
                "importlib.util.find_spec", lambda name: name in packages or None
            )
            return asked

        return made

    @pytest.mark.parametrize("package", ["jax_plugins", "libtpu"])
    def test_where_jax_has_one(self, machine, package):
        machine(package)
        assert has_accelerator(None)
        assert not has_accelerator("cpu")
        machine(package, platform="cpu")
        assert not has_accelerator(None)
        assert has_accelerator("gpu")

    def test_jax_is_not_asked_where_there_can_be_none(self, machine):
        asked = machine("jax")
        assert not has_accelerator(None)
        assert not has_accelerator("cpu")
        assert asked == []

    def test_a_device_that_is_not_there(self):
        with pytest.raises(InputError, match="'quantum' is not on this machine"):
            has_accelerator("quantum")
