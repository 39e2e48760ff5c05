"""Many trainings at once are the trainings one after another, to rounding."""

import time
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.arrays import leaves
from layerwise.data import Samples
from layerwise.model import MLP
from layerwise.training import Planned, Recipe, Result, _together, fit_together
from layerwise.training.engines import _mapped
from layerwise.training.engines._eager import EagerEngine

RECIPE = Recipe(epochs=6, batch_size=16, engine="compiled")


@pytest.fixture(autouse=True)
def groups(monkeypatch) -> list[int]:
    """How many trainings each call of the engine did."""
    sizes: list[int] = []
    done = _mapped.all_steps_together

    def counted(problems, orders):
        sizes.append(len(problems))
        return done(problems, orders)

    monkeypatch.setattr(_mapped, "all_steps_together", counted)
    return sizes


def in_order(planned: list[Planned]) -> list[Result]:
    found = dict(fit_together(planned))
    assert sorted(found) == list(range(len(planned)))
    return [found[place] for place in range(len(planned))]


def alone(planned: Planned) -> Result:
    recipe = replace(planned.recipe, snapshots=0)
    return lw.fit(planned.architecture, planned.data, recipe)


def assert_alike(found: Result, expected: Result, rel: float = 1e-4) -> None:
    assert found.status == expected.status == "finished"
    assert found.checkpoint.state.step == expected.checkpoint.state.step
    assert found.epochs == expected.epochs
    assert found.recipe == expected.recipe
    losses, accuracies = expected.history.losses, expected.history.accuracies
    assert found.history.losses == pytest.approx(losses, rel=rel)
    assert found.history.accuracies == pytest.approx(accuracies, abs=1 / 16)
    health = expected.history.health
    assert found.history.health == pytest.approx(health, rel=10 * rel, abs=1e-6)
    assert found.validation.loss == pytest.approx(expected.validation.loss, rel=rel)
    last, due = found.history.epochs[-1], expected.history.epochs[-1]
    assert (last.epoch, last.step) == (due.epoch, due.step)
    assert last.train_loss == pytest.approx(due.train_loss, rel=rel)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_seeds_rates_and_initial_weights(small, groups, optimizer):
    """Also with noise, and with batches of which the last is short."""
    planned = [
        Planned(
            MLP([8, 8], dropout=0.3, init=init),
            small,
            replace(RECIPE, optimizer=optimizer, seed=seed, learning_rate=rate),
        )
        for init in ("he", "normal")
        for seed in (0, 1)
        for rate in (1e-3, 1e-2)
    ]
    found = in_order(planned)
    assert groups == [4, 4]  # an initialisation is part of a layer
    for one, result in zip(planned, found, strict=True):
        assert_alike(result, alone(one))
    ends = {result.validation.loss for result in found}
    assert len(ends) == 8


def test_data_of_their_own(small, groups):
    """With samples that count differently, and a few less of them."""
    rng = np.random.default_rng(3)
    train = small.train

    def changed(factor: float, rows: int) -> lw.Dataset:
        weights = rng.uniform(size=rows)
        samples = Samples(factor * train.inputs[:rows], train.targets[:rows], weights)
        return replace(small, train=samples)

    planned = [
        Planned(MLP([5]), changed(1, 50), RECIPE),
        Planned(MLP([5]), changed(3, 49), RECIPE),
    ]
    found = in_order(planned)
    assert groups == [2]
    for one, result in zip(planned, found, strict=True):
        assert_alike(result, alone(one))


def test_one_that_diverges_is_found_to_do_so_where_it_does(small, groups):
    rates = (0.01, 1e30, 0.02)
    planned = [
        Planned(MLP([8]), small, replace(RECIPE, optimizer="sgd", learning_rate=rate))
        for rate in rates
    ]
    good, bad, other = in_order(planned)
    assert groups == [3]
    expected = alone(planned[1])
    assert bad.status == expected.status == "diverged"
    assert bad.history.losses.tobytes() == expected.history.losses.tobytes()
    assert bad.checkpoint.state.step == expected.checkpoint.state.step
    assert_alike(good, alone(planned[0]))
    assert_alike(other, alone(planned[2]))


def as_bytes(result: Result) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in leaves(result.network.parameters)]


def test_a_scaling_or_none(small, groups):
    """What the one subtracts the other has not."""
    datasets = [replace(small, scaling=kind) for kind in ("standard", "none")]
    found = in_order([Planned(MLP([8]), data, RECIPE) for data in datasets])
    assert groups == []
    assert [result.status for result in found] == ["finished", "finished"]


def test_their_time(small):
    began = time.perf_counter()
    found = in_order(
        [Planned(MLP([3]), small, replace(RECIPE, seed=s)) for s in (0, 1)]
    )
    took = time.perf_counter() - began
    times = [result.seconds for result in found]
    assert min(times) > 0
    assert sum(times) <= took
    for result in found:
        (last,) = result.history.epochs
        assert result.checkpoint.seconds <= last.seconds <= result.seconds
        assert result.checkpoint.seconds > 0.1 * result.seconds


def test_ctrl_c_is_no_result(small, monkeypatch):
    """Also while one is trained by itself, where ``fit`` ends with what there is."""

    def interrupt(*_):
        raise KeyboardInterrupt

    alone = Planned(MLP([7]), small, replace(RECIPE, engine="eager"))
    monkeypatch.setattr(EagerEngine, "advance", interrupt)
    assert lw.fit(MLP([7]), small, alone.recipe).status == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        in_order([alone])


def test_what_differs_in_more_is_trained_by_itself(small, groups):
    others = [
        Planned(architecture, small, replace(RECIPE, **changes))
        for architecture, changes in (
            (MLP([9]), {}),
            (MLP([8]), {"batch_size": 8}),
            (MLP([8]), {"optimizer": "sgd"}),
            (MLP([8]), {"epochs": 5}),
            (MLP([8]), {"patience": 2}),
            (MLP([8]), {"engine": "eager"}),
        )
    ]
    _, *found = in_order([Planned(MLP([8]), small, RECIPE), *others])
    assert groups == []
    for one, result in zip(others, found, strict=True):
        assert result.engine == one.recipe.engine
        assert as_bytes(result) == as_bytes(alone(one))


def test_no_more_at_once_than_there_is_room_for(small, groups, monkeypatch):
    planned = [Planned(MLP([4]), small, replace(RECIPE, seed=s)) for s in range(5)]
    monkeypatch.setattr(_together, "MOST_TOGETHER", 2)
    in_order(planned)
    assert groups == [2, 2]
    each = _together._Settled.of(planned[0]).nbytes
    assert each > small.train.inputs.nbytes
    monkeypatch.setattr(_together, "MOST_BYTES", 3 * each)
    monkeypatch.setattr(_together, "MOST_TOGETHER", 64)
    in_order(planned)
    assert groups == [2, 2, 3, 2]
