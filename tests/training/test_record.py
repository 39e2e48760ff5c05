"""A loop of somebody's own, recorded."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import layerwise as lw
from layerwise.errors import InputError


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


def an_epoch(module, data, optimiser):
    module.train()
    x = torch.tensor(data.train.inputs, dtype=torch.float32)
    y = torch.tensor(data.train.targets).long()
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(x), y).backward()
    optimiser.step()


@pytest.mark.parametrize("wrapped", [False, True])
def test_snapshots_are_the_module_as_it_was(module, iris, wrapped):
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    given = nn.DataParallel(module) if wrapped else module
    x = torch.tensor(iris.test.inputs, dtype=torch.float32)

    def logits():
        module.eval()
        with torch.no_grad():
            found = module(x).numpy()
        module.train()
        return found

    expected = {0: logits()}
    with lw.record(given, iris) as rec:
        for epoch in range(1, 4):
            an_epoch(module, iris, optimiser)
            rec.snapshot(epoch)
            assert module.training
            expected[epoch] = logits()
    assert [snapshot.epoch for snapshot in rec.snapshots] == [0, 1, 2, 3]
    for snapshot in rec.snapshots:
        found = snapshot.network.logits(iris.test.inputs)
        np.testing.assert_allclose(
            found, expected[snapshot.epoch], rtol=1e-5, atol=1e-6
        )
    assert len({expected[e].tobytes() for e in expected}) == 4


def test_each_is_scored_on_the_probe_samples(module, iris):
    with lw.record(module, iris) as rec:
        an_epoch(module, iris, torch.optim.SGD(module.parameters(), 0.1))
        rec.snapshot(1)
    module.eval()
    x = torch.tensor(iris.validation.inputs, dtype=torch.float32)
    y = torch.tensor(iris.validation.targets).long()
    with torch.no_grad():
        logits = module(x)
    assert rec.scores[1].loss == pytest.approx(
        nn.functional.cross_entropy(logits, y).item(), rel=1e-5
    )
    assert rec.scores[1].accuracy == (logits.argmax(dim=1) == y).double().mean()


def test_there_are_not_more_than_was_asked(module, iris):
    with lw.record(module, iris, most=5) as rec:
        for epoch in range(1, 41):
            rec.snapshot(epoch)
    kept = [snapshot.epoch for snapshot in rec.snapshots]
    assert len(kept) == 5
    assert (kept[0], kept[-1]) == (0, 40)
    ratios = [(b + 1) / (a + 1) for a, b in pairwise(kept)]
    assert max(ratios) / min(ratios) < 4
    assert sorted(rec.scores) == list(range(41))


def test_what_cannot_be(module, iris):
    with (
        pytest.raises(InputError, match="most 1: keep at least 2"),
        lw.record(module, iris, most=1),
    ):
        pass
    with lw.record(module, iris) as rec:
        rec.snapshot(3)
        with pytest.raises(InputError, match=r"^epoch 3 was noted already.* from 4$"):
            rec.snapshot(3)
    with (
        pytest.raises(InputError, match="does not take the inputs"),
        lw.record(nn.Linear(7, 3), iris),
    ):
        pass


def test_the_loop_s_own_errors_pass(module, iris):
    def broken():
        with lw.record(module, iris):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
