"""Optimisers against torch's, and on every array library."""

import numpy as np
import pytest
import torch

from layerwise.arrays import leaves, named_leaves, to_numpy, tree_map
from layerwise.training import OPTIMISERS, SCHEDULES, Momentum

STEPS = 30

THEIRS = {
    "sgd": lambda leaves: torch.optim.SGD(leaves, lr=1.0),
    "momentum": lambda leaves: torch.optim.SGD(leaves, lr=1.0, momentum=0.9),
    "adam": lambda leaves: torch.optim.Adam(leaves, lr=1.0),
    "adamw": lambda leaves: torch.optim.AdamW(leaves, lr=1.0, weight_decay=0.01),
    "nesterov": lambda leaves: torch.optim.SGD(
        leaves, lr=1.0, momentum=0.9, nesterov=True
    ),
}


def ours_of(name):
    return Momentum(nesterov=True) if name == "nesterov" else OPTIMISERS[name]


def drawn(rng):
    return ({"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}, {})


def test_there_is_one_of_torch_for_each_of_ours():
    assert THEIRS.keys() == {*OPTIMISERS, "nesterov"}


@pytest.mark.parametrize("name", THEIRS)
def test_the_same_path_as_torchs(name):
    rng = np.random.default_rng(0)
    parameters = drawn(rng)
    gradients = [drawn(rng) for _ in range(STEPS)]
    rates = 0.1 * SCHEDULES["one-cycle"](np.arange(STEPS), STEPS)

    theirs = [torch.tensor(leaf, requires_grad=True) for leaf in leaves(parameters)]
    reference = THEIRS[name](theirs)
    ours, slots = parameters, ours_of(name).init(parameters)
    for gradient, rate in zip(gradients, rates, strict=True):
        ours, slots = ours_of(name).update(gradient, slots, ours, rate)
        for leaf, g in zip(theirs, leaves(gradient), strict=True):
            leaf.grad = torch.tensor(g)
        reference.param_groups[0]["lr"] = float(rate)
        reference.step()
        for ourselves, them in zip(leaves(ours), theirs, strict=True):
            assert np.abs(ourselves - them.detach().numpy()).max() < 1e-12


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_library(xp, name):
    rng = np.random.default_rng(1)
    parameters, gradients = drawn(rng), drawn(rng)

    def twice(parameters, gradients):
        slots = OPTIMISERS[name].init(parameters)
        for _ in range(2):
            parameters, slots = OPTIMISERS[name].update(
                gradients, slots, parameters, 0.1
            )
        return parameters, slots

    found = dict(named_leaves(xp.run(twice, xp.enter(parameters), xp.enter(gradients))))
    expected = dict(named_leaves(twice(parameters, gradients)))
    assert found.keys() == expected.keys()
    for path, true in expected.items():
        assert to_numpy(found[path]) == pytest.approx(true, rel=1e-14), path


@pytest.mark.parametrize("name", OPTIMISERS)
def test_single_precision_stays_single(name):
    parameters = tree_map(
        lambda p: p.astype(np.float32), drawn(np.random.default_rng(0))
    )
    slots = OPTIMISERS[name].init(parameters)
    moved = OPTIMISERS[name].update(parameters, slots, parameters, np.float32(0.1))
    assert {leaf.dtype for leaf in leaves(moved)} == {np.dtype(np.float32)}


def test_nothing_is_changed_in_place():
    parameters = drawn(np.random.default_rng(0))
    before = [leaf.copy() for leaf in leaves(parameters)]
    slots = OPTIMISERS["adamw"].init(parameters)
    OPTIMISERS["adamw"].update(parameters, slots, parameters, 0.1)
    assert all(map(np.array_equal, leaves(parameters), before))
    assert not any(np.any(leaf) for leaf in leaves(slots))
