"""The diagnosis: what is named first, where, with which numbers, and what fix does."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import Samples
from layerwise.diagnosis import Diagnosis, Setup

pytestmark = pytest.mark.usefixtures("unchecked")

CLASSIC = {
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "batch_size": 32,
    "schedule": "constant",
    "epochs": 2,
    "engine": "eager",
}


@pytest.fixture(scope="module")
def moons() -> lw.Dataset:
    return lw.load("moons")


@pytest.fixture(scope="module")
def exploded(moons):
    return lw.fit(lw.MLP([30] * 8, init="normal"), moons, lw.Recipe(**CLASSIC))


class TestTheClassic:
    """Eight layers of 30 that begin with N(0, 1)."""

    def test_step_layer_and_factor(self, exploded):
        cause = lw.diagnose(exploded).first
        assert exploded.status == "diverged"
        assert (cause.kind, cause.layer, cause.step) == ("exploding", "hidden2", 0)
        assert cause.evidence["factor_per_layer"] == pytest.approx(15, rel=0.1)
        assert cause.evidence["factor_computed"] == pytest.approx(15, rel=0.1)
        assert cause.evidence["stopped_at_step"] == 3
        assert cause.change == {"init": "he"}
        assert "fan_in" in cause.detail
        assert "diverged at step 3" in cause.detail

    def test_fix_fixes_it(self, exploded, moons):
        setup = Setup(lw.MLP([30] * 8, init="normal"), moons, lw.Recipe(**CLASSIC))
        fixed = lw.fix(setup, exploded)
        assert fixed.setup.architecture.init == "he"
        assert fixed.result.validation.accuracy > 0.98
        assert fixed.rounds[0].cause.kind == "exploding"

    @pytest.mark.slow("long trainings")
    def test_under_adam_it_trains_and_nothing_is_said(self, moons):
        recipe = lw.Recipe(
            epochs=10, optimizer="adam", learning_rate=1e-3, schedule="constant"
        )
        result = lw.fit(lw.MLP([30] * 8, init="normal"), moons, recipe)
        assert lw.diagnose(result) == Diagnosis()


def iris(**settings):
    return lw.fit(lw.MLP([16]), lw.load("iris"), engine="eager", **settings)


def test_what_is_no_result_is_told(unchecked):
    network = lw.fit(lw.MLP([2]), lw.load("iris"), epochs=1, engine="eager").network
    line = "a Network cannot be diagnosed: give the Result of fit"
    with pytest.raises(lw.InputError, match=line):
        lw.diagnose(network)


def test_a_healthy_training_is_healthy():
    result = iris()
    assert lw.diagnose(result).healthy
    assert str(lw.diagnose(result)).startswith("healthy")
    assert lw.diagnose(result).first is None


@pytest.mark.parametrize(
    ("rate", "kind"),
    [(1e-7, "learning rate too low"), (300.0, "learning rate too high")],
)
def test_the_learning_rate(rate, kind):
    result = iris(optimizer="sgd", learning_rate=rate, epochs=10)
    cause = lw.diagnose(result).first
    assert cause.kind == kind
    assert 1e-4 < cause.change["learning_rate"] < 0.1


def digits_with(inputs=None, targets=None) -> lw.Dataset:
    """Digits whose training samples were changed."""
    from dataclasses import replace

    data = lw.load("digits")
    train = Samples(
        data.train.inputs if inputs is None else inputs(data.train.inputs),
        data.train.targets if targets is None else targets(data.train.targets),
    )
    return replace(data, train=train)


def test_labels_out_of_step_and_the_shift_that_fixes_them():
    data = digits_with(targets=lambda y: np.roll(y, 5))
    setup = Setup(lw.MLP([30]), data, lw.Recipe(epochs=5, engine="eager"))
    result = lw.fit(setup.architecture, data, setup.recipe)
    cause = lw.diagnose(result).first
    assert cause.kind == "inputs and labels out of step"
    assert cause.change == {"roll_labels": -5}
    changed = setup.changed(cause.change).data
    truth = lw.load("digits").train.targets
    assert np.array_equal(changed.train.targets, truth)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_inputs_that_are_not_finite():
    def spoil(inputs):
        spoilt = np.array(inputs, np.float64)
        spoilt[3].flat[0] = np.nan
        return spoilt

    data = digits_with(inputs=spoil)
    result = lw.fit(lw.MLP([8]), data, epochs=1, engine="eager")
    cause = lw.diagnose(result).first
    assert cause.kind == "non-finite inputs"
    assert (cause.evidence["rows"], cause.evidence["row"]) == (1, 3)
    setup = Setup(lw.MLP([8]), data, lw.Recipe()).changed(cause.change)
    assert np.isfinite(setup.data.train.inputs).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rate", [0.05, 1e-7])
def test_a_first_loss_that_is_not_finite_is_no_fault_of_the_steps(moons, rate):
    """Activations and gradients leave single precision before any update."""
    recipe = lw.Recipe(**CLASSIC | {"learning_rate": rate})
    diagnosis = lw.diagnose(lw.fit(lw.MLP([30] * 100, init="normal"), moons, recipe))
    assert [cause.kind for cause in diagnosis.causes] == ["exploding"]
    assert diagnosis.causes[0].layer == "hidden2"
    assert diagnosis.causes[0].evidence["factor_per_layer"] == pytest.approx(
        15, rel=0.1
    )
    assert "nan" not in str(diagnosis)


def test_the_first_update_is_that_of_step_1():
    result = iris(optimizer="sgd", learning_rate=300.0, epochs=10)
    cause = lw.diagnose(result).first
    assert cause.step == 0
    assert "The update of step 1 was" in cause.detail


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_update_that_is_not_finite_is_said_to_be_infinite():
    result = iris(optimizer="sgd", learning_rate=1e30, epochs=2)
    assert "The update of step 1 was infinite" in lw.diagnose(result).first.detail


UNWELL = {
    "sigmoid": ({"hidden": [10] * 6, "activation": "sigmoid"}, {}),
    "sigmoid, helped": (
        {"hidden": [10] * 12, "activation": "sigmoid", "init": "glorot"}
        | {"normalise": True},
        {},
    ),
    "narrow": ({"hidden": [3] * 9}, {}),
    "tiny steps": ({"hidden": [30]}, {"optimizer": "sgd", "learning_rate": 1e-6}),
    "no training": ({"hidden": [4]}, {"learning_rate": 1e-12, "optimizer": "adamw"}),
}


@pytest.mark.parametrize("kind", UNWELL)
def test_what_was_used_already_is_not_advised(kind, moons):
    settings, recipe = UNWELL[kind]
    mlp = lw.MLP(**settings)
    result = lw.fit(mlp, moons, lw.Recipe(**{"epochs": 1, "engine": "eager"} | recipe))
    held = vars(mlp) | vars(result.recipe) | {"scaling": result.network.scaling.kind}
    assert not lw.diagnose(result).healthy
    for cause in lw.diagnose(result).causes:
        assert all(held[name] != value for name, value in cause.change.items())
        assert f"--init {mlp.init}" not in cause.fix
        assert not (mlp.normalise and "--normalise" in cause.fix)


def test_a_change_makes_new_settings_and_leaves_the_old():
    setup = Setup(lw.MLP([4]), lw.load("iris"), lw.Recipe())
    changed = setup.changed({"init": "glorot", "epochs": 7, "scaling": "range"})
    assert (changed.architecture.init, changed.recipe.epochs) == ("glorot", 7)
    assert changed.data.scaling == "range"
    assert (setup.architecture.init, setup.recipe.epochs) == ("he", None)


def test_a_hundred_layers_are_too_deep_though_units_give_nothing(moons):
    sgd = {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 32}
    result = lw.fit(lw.MLP([30] * 100), moons, epochs=1, seed=0, **sgd)
    first = lw.diagnose(result).first
    assert first.kind == "too deep"
    assert first.change == {"residual": True, "normalise": True}
    silent = [layer.silent for layer in result.history.records[0].layers]
    assert max(silent[:10]) < 0.6 < max(silent)  # units that a chance switched off


DEEP = """
import layerwise as lw
from layerwise.diagnosis import Setup

data = lw.load("moons")
recipe = lw.Recipe(optimizer="sgd", learning_rate=0.05, batch_size=32, epochs=2, seed=0)
setup = Setup(lw.MLP([30] * 100), data, recipe)
before = lw.fit(setup.architecture, data, recipe)
fixed = lw.fix(setup, before)
print(before.test.accuracy, fixed.rounds[0].cause.kind, fixed.result.test.accuracy)
"""


@pytest.mark.slow("long trainings")
def test_fix_brings_a_hundred_layers_to_work():
    """In a process of its own, where the types of every call are not checked."""
    command = [sys.executable, "-c", DEEP]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, *cause, after = done.stdout.split()
    assert float(before) < 0.6
    assert cause == ["too", "deep"]
    assert float(after) >= 0.995


def test_of_a_module_only_changes_that_can_be_made_are_tried():
    """Its layers are its owner's, its inputs are scaled before it."""
    torch = pytest.importorskip("torch")
    from layerwise.modules import TorchModule

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 300)
    inputs = 1e4 + 50 * (targets[:, None] + rng.normal(size=(300, 4)))
    data = lw.Dataset.from_arrays(inputs, targets)
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
    )
    setup = Setup(TorchModule(module), data, lw.Recipe(epochs=2))
    assert not setup.possible({"activation": "leaky-relu", "init": "he"})
    before = lw.fit(setup.architecture, data, setup.recipe)
    cause = lw.diagnose(before).first
    assert cause.kind == "inputs not scaled"
    assert "--scaling standard" in cause.fix
    fixed = lw.fix(setup, before)
    assert fixed.rounds[0].change == {"scaling": "standard"}
    assert fixed.setup.architecture.scaling == "standard"
    assert fixed.result.validation.accuracy > before.validation.accuracy + 0.15
    raw = torch.tensor(data.test.inputs, dtype=torch.float32)
    with torch.no_grad():
        said = lw.to_torch(fixed.result.network)(raw).argmax(dim=1).numpy()
    assert np.mean(said == data.test.targets) == fixed.result.test.accuracy
    assert "inputs not scaled" not in [c.kind for c in lw.diagnose(fixed.result).causes]


def test_a_change_that_changes_nothing_is_not_tried():
    """Adam's own rate by name is the default, and each change is a training."""
    torch = pytest.importorskip("torch")
    from layerwise.modules import TorchModule

    data = lw.load("iris")
    recipe = lw.Recipe(epochs=2, learning_rate=0.003)
    usual = {"optimizer": "adamw", "learning_rate": None, "schedule": "one-cycle"}
    module = Setup(TorchModule(torch.nn.Linear(4, 3)), data, recipe)
    ours = Setup(lw.MLP([4]), data, recipe)
    assert module.possible(usual) == ours.possible(usual | {"init": "he"}) == {}
    assert module.possible(usual | {"epochs": 3}) == {"epochs": 3}
    by_sgd = replace(ours, recipe=replace(recipe, optimizer="sgd", learning_rate=None))
    assert set(by_sgd.possible(usual)) == {"optimizer", "learning_rate"}


@pytest.mark.parametrize("within", [True, False])
def test_inputs_that_a_module_scales_itself_are_scaled(within):
    """As the network sees them: by ``scaling=``, or by a module of the user's own."""
    torch = pytest.importorskip("torch")
    from layerwise.modules import TorchModule, scaling_module

    data = lw.Dataset.from_arrays(
        1e4 + np.random.default_rng(0).normal(size=(90, 4)), np.arange(90) % 2
    )
    module = torch.nn.Linear(4, 2)
    if within:
        module = torch.nn.Sequential(scaling_module(data), module)
    result = lw.fit(
        TorchModule(module, scaling="none" if within else "standard"), data, epochs=1
    )
    assert result.network.scaling.kind == "standard"
    assert "inputs not scaled" not in [c.kind for c in lw.diagnose(result).causes]
