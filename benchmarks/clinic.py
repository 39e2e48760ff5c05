"""The clinic: planted faults, and healthy trainings, put before the diagnosis.

    python benchmarks/clinic.py            # every case, a table by kind
    python benchmarks/clinic.py --held-out # other data seeds and settings
    python benchmarks/clinic.py --only dead --verbose

Faults are planted in the settings, in the data, or in layers and optimisers such as
users write; nothing here knows the rules. A case counts as right where the kind that
was planted is named first, and as repaired where the fixed training is within two
points of the healthy training of the same data on its test set, which `fix` does not
see.
"""

# A table of cases is read by its columns, and the layers are such as users write.
# ruff: noqa: D102, D401, E501, ARG002

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np

import layerwise as lw
from layerwise.arrays import tree_map
from layerwise.data import Samples
from layerwise.diagnosis import Setup
from layerwise.training import OPTIMISERS, Optimiser

POINTS = 0.02
"""How far below the healthy training a fixed one may be."""

HEALTHY = "healthy"


@dataclass(frozen=True)
class Case:
    """One training.

    Parameters
    ----------
    kind : str
        What was planted, or ``healthy``.
    data : str
        A key of ``DATA``.
    mlp, recipe : dict
        What differs from the healthy settings of that data.
    spoil : callable, optional
        From a healthy setup to the spoilt one, where settings do not do it.
    seed : int
        Of data, parameters and order.
    """

    kind: str
    data: str
    mlp: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[Setup], Setup] | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """What the case is, in a line."""
        parts = [f"{k}={v}" for k, v in (self.mlp | self.recipe).items()]
        spoilt = self.spoil.__name__ if self.spoil else ""
        return " ".join([self.data, str(self.seed), *parts, spoilt]).strip()


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    case: Case
    named: tuple[str, ...]
    repaired: bool | None
    accuracy: tuple[float, float, float]
    seconds: float


# Data: a few hundred to two thousand samples each, and what trains well on them.


def table(seed: int, *, features: int = 8, classes: int = 3, noise: float = 0.0):
    """A made-up table: classes are Gaussian blobs bent by a random quadratic map."""
    rng = np.random.default_rng([seed, features, classes])
    targets = rng.integers(0, classes, 1500)
    hidden = rng.normal(size=(classes, 4))[targets] * 2 + rng.normal(size=(1500, 4))
    inputs = hidden @ rng.normal(size=(4, features))
    inputs += 0.3 * (hidden**2) @ rng.normal(size=(4, features))
    inputs += 0.3 * rng.normal(size=inputs.shape)
    flipped = rng.random(1500) < noise
    targets[flipped] = rng.integers(0, classes, int(flipped.sum()))
    return lw.Dataset.from_arrays(inputs, targets, seed=seed, name="table")


def some(data: lw.Dataset, count: int) -> lw.Dataset:
    """The first samples of each set."""
    sizes = (count, count // 3, count // 3)
    parts = (data.train, data.validation, data.test)
    cut = [p.at(slice(0, n)) for p, n in zip(parts, sizes, strict=True)]
    return replace(data, train=cut[0], validation=cut[1], test=cut[2])


DATA: dict[str, Callable[[int], lw.Dataset]] = {
    "moons": lambda seed: some(lw.load("moons", seed=seed), 2000),
    "spirals": lambda seed: some(lw.load("spirals", seed=seed), 2500),
    "digits": lambda seed: lw.load("digits", seed=seed),
    "mnist": lambda seed: some(lw.load("mnist", seed=seed), 2400),
    "table": table,
    "noisy table": lambda seed: table(seed, noise=0.3),
    "two classes": lambda seed: table(seed, features=5, classes=2),
}

MLPS = {
    "moons": {"hidden": (30, 30)},
    "spirals": {"hidden": (60, 60, 60)},
    "digits": {"hidden": (60, 60)},
    "mnist": {"hidden": (60, 60)},
    "table": {"hidden": (30, 30)},
    "noisy table": {"hidden": (16,)},
    "two classes": {"hidden": (30, 30)},
}

RECIPES = {
    "moons": {"epochs": 12},
    "spirals": {"epochs": 40},
    "digits": {"epochs": 15},
    "mnist": {"epochs": 8},
    "table": {"epochs": 15},
    "noisy table": {"epochs": 8},
    "two classes": {"epochs": 15},
}


@cache
def loaded(name: str, seed: int) -> lw.Dataset:
    """The data set, once."""
    return DATA[name](seed)


def healthy_setup(case: Case) -> Setup:
    """What trains well on the case's data."""
    recipe = lw.Recipe(
        seed=case.seed, snapshots=0, engine="eager", **RECIPES[case.data]
    )
    return Setup(lw.MLP(**MLPS[case.data]), loaded(case.data, case.seed), recipe)


def setup_of(case: Case) -> Setup:
    """The case's own training."""
    setup = healthy_setup(case)
    mlp = lw.MLP(**(MLPS[case.data] | case.mlp))
    setup = replace(
        setup, architecture=mlp, recipe=replace(setup.recipe, **case.recipe)
    )
    return case.spoil(setup) if case.spoil else setup


def trained(setup: Setup):
    """Train a setup."""
    return lw.fit(
        setup.architecture, setup.data, setup.recipe, optimiser=setup.optimiser
    )


@cache
def reference(data: str, seed: int) -> float:
    """Test accuracy of the healthy training."""
    return trained(healthy_setup(Case(HEALTHY, data, seed=seed))).test.accuracy


# Faults that are planted in data or code.


def with_inputs(
    setup: Setup, change: Callable[[np.ndarray], np.ndarray], scaling="none"
):
    """Change the inputs of all three sets in the same way."""
    data = setup.data
    parts = [
        Samples(change(np.asarray(s.inputs, np.float64)), s.targets)
        for s in (data.train, data.validation, data.test)
    ]
    data = replace(data, scaling=scaling)
    names = ("train", "validation", "test")
    return replace(setup, data=replace(data, **dict(zip(names, parts, strict=True))))


def thousandfold(setup):
    return with_inputs(setup, lambda x: 1000 * x)


def hundredfold(setup):
    return with_inputs(setup, lambda x: 100 * x)


def thousandth(setup):
    return with_inputs(setup, lambda x: x / 1000)


def far_away(setup):
    return with_inputs(setup, lambda x: x + 300)


def one_outlier(setup):
    changed = with_inputs(setup, lambda x: x, scaling="range")
    inputs = np.array(changed.data.train.inputs)
    inputs[7] = 1e4
    train = Samples(inputs, changed.data.train.targets)
    return replace(changed, data=replace(changed.data, train=train))


def uneven(setup):
    def change(x):
        flat = x.reshape(len(x), -1)
        scales = np.logspace(0, 3, flat.shape[1])
        return (flat / flat.std(axis=0).clip(1e-3) * scales).reshape(x.shape)

    return with_inputs(setup, change)


def uneven_down(setup):
    def change(x):
        flat = x.reshape(len(x), -1)
        scales = np.logspace(-3, 0, flat.shape[1])
        return (flat / flat.std(axis=0).clip(1e-3) * scales).reshape(x.shape)

    return with_inputs(setup, change)


def a_nan(setup):
    inputs = np.array(setup.data.train.inputs, np.float64)
    inputs[5].flat[0] = np.nan
    train = Samples(inputs, setup.data.train.targets)
    return replace(setup, data=replace(setup.data, train=train))


def many_infinite(setup):
    inputs = np.array(setup.data.train.inputs, np.float64)
    inputs[::50, ..., -1] = np.inf
    train = Samples(inputs, setup.data.train.targets)
    return replace(setup, data=replace(setup.data, train=train))


def with_labels(setup, change, all_sets=False):
    data, rng = setup.data, np.random.default_rng(3)
    parts = {"train": Samples(data.train.inputs, change(data.train.targets, rng))}
    if all_sets:
        for name in ("validation", "test"):
            samples = getattr(data, name)
            parts[name] = Samples(samples.inputs, change(samples.targets, rng))
    return replace(setup, data=replace(data, **parts))


def shifted_by_one(setup):
    return with_labels(setup, lambda y, _: np.roll(y, 1))


def shifted_by_many(setup):
    return with_labels(setup, lambda y, _: np.roll(y, -137))


def shuffled_labels(setup):
    return with_labels(setup, lambda y, rng: rng.permutation(y), all_sets=True)


def random_labels(setup):
    return with_labels(
        setup, lambda y, rng: rng.integers(0, y.max() + 1, len(y)), all_sets=True
    )


def thinned(setup, share):
    """Keep so many of class 0 per sample of the others, in training."""
    train = setup.data.train
    first = np.flatnonzero(train.targets == 0)
    others = np.flatnonzero(train.targets != 0)
    kept = first[: max(12, int(share * len(others)))]
    samples = train.at(np.sort(np.concatenate([kept, others])))
    return replace(setup, data=replace(setup.data, train=samples))


def rare_2(setup):
    return thinned(setup, 0.02)


def rare_30(setup):
    return thinned(setup, 0.3)


@dataclass(frozen=True)
class AddsUp(Optimiser):
    """An optimiser around another: gradients add up, as without zero_grad."""

    inner: Optimiser

    def init(self, parameters):
        zeros = self.inner.init(parameters)
        return {"sum": tree_map(lambda p: p * 0, parameters), "inner": zeros}

    def update(self, gradients, slots, parameters, rate):
        total = add(slots["sum"], gradients)
        moved, inner = self.inner.update(total, slots["inner"], parameters, rate)
        return moved, {"sum": total, "inner": inner}


def add(left, right):
    """The sum of two trees."""
    return tree_map(lambda a, b: a + b, left, right)


def adds_up(setup):
    own = AddsUp(OPTIMISERS[setup.recipe.optimizer])
    return replace(setup, optimiser=own)


@dataclass(frozen=True)
class EndsInSoftmax:
    """A network that ends in a Softmax, and the loss that applies one itself."""

    mlp: lw.MLP

    def build(self, inputs, outputs):
        built = self.mlp.build(inputs, outputs)
        last = lw.Sequential((*built.layers[-1].layers, lw.Softmax()))
        return lw.Sequential((*built.layers[:-1], last))

    def loss_function(self):
        return self.mlp.loss_function()


def softmax_twice(setup):
    return replace(setup, architecture=EndsInSoftmax(setup.architecture))


@dataclass(frozen=True)
class Quiet(lw.Layer):
    """Around another layer; forgets to pass the noise on."""

    inner: lw.Layer

    def init(self, rng, shape):
        return self.inner.init(rng, shape)

    def forward(self, params, x, noise=None):
        return self.inner.forward(params, x)

    def backward(self, params, trace, gradient):
        return self.inner.backward(params, trace, gradient)


@dataclass(frozen=True)
class InEvaluation:
    """A network whose dropout never acts."""

    mlp: lw.MLP

    def build(self, inputs, outputs):
        built = self.mlp.build(inputs, outputs)
        return lw.Sequential(tuple(Quiet(block) for block in built.layers))

    def loss_function(self):
        return self.mlp.loss_function()


def in_evaluation(setup):
    return replace(setup, architecture=InEvaluation(setup.architecture))


@dataclass(frozen=True)
class Offset(lw.Linear):
    """An affine map whose biases do not begin at zero, or its weights do."""

    bias: float = 0.0
    weight: float = 1.0

    def init(self, rng, shape):
        params = super().init(rng, shape)
        return {"W": params["W"] * self.weight, "b": params["b"] + self.bias}


@dataclass(frozen=True)
class Begun:
    """An MLP whose hidden layers begin otherwise."""

    mlp: lw.MLP
    bias: float = 0.0
    weight: float = 1.0
    output: bool = False

    def build(self, inputs, outputs):
        built = self.mlp.build(inputs, outputs)
        blocks = built.layers if self.output else built.layers[:-1]
        own = [
            lw.Sequential(
                (Offset(b.layers[0].units, "he", self.bias, self.weight), *b.layers[1:])
            )
            for b in blocks
        ]
        return lw.Sequential((*own, *built.layers[len(own) :]))

    def loss_function(self):
        return self.mlp.loss_function()


def dead_biases(setup):
    return replace(setup, architecture=Begun(setup.architecture, bias=-12.0))


def zero_weights(setup):
    return replace(
        setup, architecture=Begun(setup.architecture, weight=0.0, output=True)
    )


# The cases.

SGD = {"optimizer": "sgd", "schedule": "constant"}


def cases(held_out: bool = False) -> Iterator[Case]:
    """Every case; those held out have other seeds, data and strengths."""
    seeds = (7, 8) if held_out else (0, 1)
    for seed in seeds[:1] if held_out else seeds:
        yield from broken(seed, hard=seed % 2 == 1 or held_out)
    for seed in seeds[:1] if held_out else seeds:
        yield from healthy(seed)


def broken(seed: int, hard: bool) -> Iterator[Case]:
    """Faults of every kind, in each of two strengths."""
    flat = ("moons", "digits", "table")
    kinds: list[tuple] = [
        *(("exploding", d, {"hidden": (30,) * n, "init": "normal"}, SGD | {"learning_rate": 0.05})
          for d, n in (("moons", 5 if hard else 8), ("digits", 3), ("spirals", 6))),
        *(("vanishing gradient", d, {"hidden": (30,) * n, "activation": "sigmoid", "init": i}, {})
          for d, n, i in (("moons", 8, "glorot"), ("digits", 10, "lecun"))),
        ("saturated units", "mnist", {"activation": "sigmoid" if hard else "tanh", "init": "normal"}, SGD | {"learning_rate": 0.01}),
        ("saturated units", "digits", {"activation": "tanh", "init": "normal", "hidden": (100, 100)}, SGD | {"learning_rate": 0.01}),
        *(("dead units", d, {}, {}, dead_biases) for d in flat),
        *(("learning rate too high", d, {}, {"optimizer": o, "learning_rate": r, "schedule": "constant"})
          for d, o, r in (("moons", "adam", 1.0 if hard else 3.0), ("digits", "sgd", 10.0), ("table", "momentum", 3.0), ("mnist", "adamw", 0.5))),
        *(("learning rate too low", d, {}, {"optimizer": o, "learning_rate": r, "schedule": "constant"})
          for d, o, r in (("moons", "sgd", 1e-4), ("digits", "adam", 1e-6), ("table", "momentum", 1e-6), ("spirals", "adamw", 3e-6))),
        ("inputs not scaled", "table", {}, SGD, hundredfold if hard else thousandfold),
        ("inputs not scaled", "digits", {}, SGD, thousandth),
        ("inputs not scaled", "moons", {}, SGD, far_away),
        ("inputs not scaled", "spirals", {}, {}, one_outlier),
        ("inputs of different scales", "table", {}, SGD, uneven),
        ("inputs of different scales", "two classes", {}, SGD, uneven_down if hard else uneven),
        ("non-finite inputs", "moons", {}, {}, a_nan),
        ("non-finite inputs", "table", {}, {}, many_infinite),
        ("constant prediction", "digits", {}, {}, zero_weights),
        ("constant prediction", "table", {}, SGD, zero_weights),
        ("class imbalance", "moons", {}, SGD | {"learning_rate": 0.01}, rare_2),
        ("class imbalance", "digits", {}, SGD | {"learning_rate": 0.01, "epochs": 8}, rare_2),
        *(("labels without information", d, {}, {}, shuffled_labels if hard else random_labels)
          for d in ("moons", "digits")),
        *(("inputs and labels out of step", d, {}, {}, shifted_by_many if hard else shifted_by_one)
          for d in ("moons", "digits", "mnist")),
        *(("overfitting", "noisy table", {"hidden": h}, {"epochs": 80, "schedule": "constant"})
          for h in ((200, 200), (100, 100, 100))),
        *(("underfitting", d, {"hidden": h}, {"epochs": e})
          for d, h, e in (("spirals", (), 20), ("moons", (), 10), ("digits", (2,), 10))),
        ("softmax before a loss on logits", "digits", {}, {}, softmax_twice),
        ("softmax before a loss on logits", "spirals", {}, {}, softmax_twice),
        *(("underflowing softmax", d, {"loss": "cross-entropy-on-probabilities", "init": "normal", "hidden": h}, SGD | {"learning_rate": 0.01})
          for d, h in (("digits", (100,)), ("mnist", (60, 60)))),
        ("gradients not reset", "moons", {}, SGD, adds_up),
        ("gradients not reset", "digits", {}, {"optimizer": "momentum"} if hard else {"optimizer": "adam"}, adds_up),
        *(("left in evaluation mode", d, {"dropout": 0.3}, {}, in_evaluation) for d in ("digits", "table")),
        ("too deep", "moons", {"hidden": (30,) * (24 if hard else 30)}, SGD | {"learning_rate": 0.01, "epochs": 3}),
    ]  # fmt: skip
    for kind, data, mlp, recipe, *spoil in kinds:
        yield Case(kind, data, mlp, recipe, spoil[0] if spoil else None, seed)


def healthy(seed: int) -> Iterator[Case]:
    """Trainings with nothing to fix; some look as if there were."""
    settings: list[tuple] = [
        *((d, {}, {}) for d in DATA),
        ("moons", {"hidden": (30,) * 8}, SGD | {"learning_rate": 0.05, "epochs": 40}),
        ("moons", {"hidden": (30,) * 8, "init": "normal"}, {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant", "epochs": 40}),
        ("moons", {"hidden": (30, 30), "activation": "tanh", "init": "glorot"}, {"epochs": 60}),
        ("digits", {"activation": "sigmoid", "init": "glorot", "hidden": (60,)}, {"epochs": 25}),
        ("digits", {"hidden": (60,) * 4, "normalise": True, "residual": True}, {}),
        ("digits", {"dropout": 0.3}, {"epochs": 25}),
        ("digits", {"loss": "cross-entropy-on-probabilities"}, {}),
        ("digits", {"loss": "squared-error"}, {}),
        ("mnist", {"activation": "gelu"}, {}),
        ("two classes", {}, {}, rare_30),
        ("table", {"activation": "leaky-relu"}, {"optimizer": "momentum"}),
        ("digits", {}, SGD | {"learning_rate": 0.1, "epochs": 25}),
    ]  # fmt: skip
    for data, mlp, recipe, *spoil in settings:
        yield Case(HEALTHY, data, mlp, recipe, spoil[0] if spoil else None, seed)


def seen(case: Case) -> Outcome:
    """Train a case, have it diagnosed, and fixed where it is broken."""
    began = time.perf_counter()
    setup = setup_of(case)
    before = trained(setup)
    named = tuple(cause.kind for cause in lw.diagnose(before).causes)
    expected = after = before.test.accuracy
    repaired = None
    if case.kind != HEALTHY:
        after = lw.fix(setup, before).result.test.accuracy
        # Where the labels of all sets are shuffled, chance is what there is to reach.
        lost = case.kind == "labels without information"
        expected = before.test.accuracy if lost else reference(case.data, case.seed)
        repaired = after >= expected - POINTS
    figures = (before.test.accuracy, after, expected)
    return Outcome(case, named, repaired, figures, time.perf_counter() - began)


def told(outcomes: list[Outcome]) -> Iterator[str]:
    """The table: for every kind how many cases, right first, repaired."""
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_kind[outcome.case.kind].append(outcome)
    yield "| planted | cases | right first | repaired | seconds each |"
    yield "| --- | --: | --: | --: | --: |"
    for kind, found in sorted(by_kind.items()):
        right = sum(is_right(o) for o in found)
        repaired = sum(bool(o.repaired) for o in found) if kind != HEALTHY else "–"
        seconds = np.mean([o.seconds for o in found])
        yield f"| {kind} | {len(found)} | {right} | {repaired} | {seconds:.1f} |"
    ill = [o for o in outcomes if o.case.kind != HEALTHY]
    well = [o for o in outcomes if o.case.kind == HEALTHY]
    first = np.mean([is_right(o) for o in ill]) if ill else np.nan
    repaired = np.mean([bool(o.repaired) for o in ill]) if ill else np.nan
    alarms = sum(not is_right(o) for o in well)
    yield (
        f"\n{len(ill)} broken: right cause first {first:.1%}, repaired {repaired:.1%}; "
        f"{len(well)} healthy: {alarms} false alarms."
    )


def is_right(outcome: Outcome) -> bool:
    """Whether the planted kind was named first; nothing, where nothing was planted."""
    if outcome.case.kind == HEALTHY:
        return not outcome.named
    return outcome.named[:1] == (outcome.case.kind,)


def main(argv: list[str] | None = None) -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    options = parser.parse_args(argv)
    chosen = [c for c in cases(options.held_out) if options.only in c.kind]
    began = time.perf_counter()
    context = get_context("forkserver")
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for outcome in pool.map(seen, chosen):
            outcomes.append(outcome)
            if options.verbose or not is_right(outcome) or outcome.repaired is False:
                figures = " ".join(f"{a:.3f}" for a in outcome.accuracy)
                print(
                    f"{outcome.case.kind}: {outcome.case.name}: named {outcome.named} "
                    f"test before, after, reference {figures}",
                    file=sys.stderr,
                    flush=True,
                )
    print("\n".join(told(outcomes)))
    print(f"{time.perf_counter() - began:.0f} s with {options.jobs} processes.")


if __name__ == "__main__":
    main()
