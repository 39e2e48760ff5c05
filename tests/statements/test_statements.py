"""Small data sets and trainings whose truth is planted, against all that is said.

A row names what must be said and what must not, by kind: a cause as it is ("healthy"
where there is none), a finding with "finding:", a finding of the inputs with "data:",
a remark on the data by words of it; and what evidence a kind must have. No row may say
what has a count of 0, or too small a sample.
"""

import functools
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import layerwise as lw
from layerwise.baselines import Baselines
from layerwise.errors import InputError
from layerwise.study import beside, inspect_inputs
from layerwise.training import Adam, Result


def _planted() -> Any:
    path = Path(__file__).with_name("planted.py")
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = made
    spec.loader.exec_module(made)
    return made


planted = _planted()
gaussians, noise, rare = planted.gaussians, planted.noise, planted.rare
same = planted.same

# Annotations are checked elsewhere; here they would take most of the time.
pytestmark = pytest.mark.usefixtures("unchecked")

HEALTHY, NOISE, RARE = "healthy", "labels without information", "class imbalance"
FEW, BEHIND, STEP = (
    "too few samples",
    "behind simple methods",
    "inputs and labels out of step",
)
OVER, UNDER, CONSTANT = "overfitting", "underfitting", "constant prediction"
CODE, DEEP, STALE = "missing-value code", "too deep", "stale running statistics"
HIGH, LOW, DECAY = (
    "learning rate too high",
    "learning rate too low",
    "weight decay too strong",
)
STILL, LARGE = "layers never trained", "outputs too large"
SCALES, UNSCALED = "inputs of different scales", "inputs not scaled"
UNLIKE, SUSPECT = "finding: test set unlike training", "finding: suspect labels"
AHEAD, GAP, SHORT = (
    "finding: simple method",
    "finding: gap",
    "finding: short of what is required",
)
DEPTH, CALIBRATION, PAIR = (
    "finding: depth",
    "finding: calibration",
    "finding: mixed pair",
)
WEAK_SPOT, LEANS = "finding: weak spot", "finding: leans on"
COPIES = "test samples are training samples too"


@dataclass(frozen=True)
class Row:
    """What is planted, and what has to be said of it."""

    name: str
    make: Callable[[], lw.Dataset]
    required: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    evidence: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    hidden: tuple[int, ...] = (16,)
    settings: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    module: str = ""
    optimiser: Any = None
    quick: bool = False


SGD: dict[str, Any] = {"optimizer": "sgd", "schedule": "constant"}
WEAK = functools.partial(rare, 2500, 0.116, (0.6, 0.6, -0.4))
SHIFT = functools.partial(gaussians, (200,) * 3)
FIVE = functools.partial(gaussians, (100,) * 5, apart=4.0)
CURVED: dict[str, Any] = {"hidden": (32,), "settings": {"epochs": 60}}
TABLE: dict[str, Any] = {"epochs": 12, "batch_size": 64}
VERDICTS = {NOISE, RARE, OVER, UNDER, CONSTANT, FEW, BEHIND}
CONFUSED = {GAP, SUSPECT}


def rolled(rows: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda labels: np.roll(labels, rows)


ROWS = [
    # Healthy ones: nothing may be made up.
    Row("separable", gaussians, {HEALTHY}, {UNLIKE, COPIES}, quick=True),
    Row("separable, 5 classes", FIVE, {HEALTHY}, {UNLIKE}),
    Row("separable, 30 classes", lambda: gaussians((30,) * 30, apart=8, features=30),
        {HEALTHY}, {NOISE, RARE, UNLIKE}, hidden=(64,)),
    Row("labels as text",
        lambda: gaussians(labels=lambda y: np.where(y > 0, "yes", "no")), {HEALTHY}),
    Row("one feature, separable", lambda: gaussians(features=1, inputs=lambda x:
        x + 8 * planted.arrays(features=1)[1][:, None]), {HEALTHY}, {RARE}, quick=True),
    Row("all right", lambda: gaussians(apart=9.0), {HEALTHY},
        {CALIBRATION, PAIR, SUSPECT, GAP, "five predictions in a row"}, quick=True),
    Row("far from zero", lambda: gaussians(inputs=lambda x: x + 1e6), {HEALTHY}),
    Row("a constant column", lambda: gaussians(inputs=lambda x: np.c_[x, x * 0 + 7]),
        {HEALTHY}),
    Row("one far value", lambda: gaussians(inputs=lambda x: np.where(
        np.arange(x.size).reshape(x.shape) == 30, 1e4, x)), set(),
        {CODE, NOISE, UNLIKE}),
    Row("columns of 0 and 1", planted.one_hot, {HEALTHY, "equal ones are expected"},
        {COPIES, CODE}, quick=True),
    Row("whole numbers", lambda: gaussians(inputs=lambda x: np.rint(x).astype(int)),
        {HEALTHY}, {CODE}),
    Row("dropout 0.5", gaussians, {HEALTHY}, model={"dropout": 0.5}),
    Row("early stop", gaussians, {HEALTHY}, settings={"patience": 5}),
    Row("class weights, even", gaussians, {HEALTHY},
        settings={"class_weight": "balanced"}),
    Row("deep, with skips", gaussians, {HEALTHY}, {DEEP}, hidden=(12,) * 12,
        model={"residual": True, "normalise": True}, settings={"epochs": 20}),
    Row("curved", planted.xor, {HEALTHY}, {DEPTH, NOISE}, **CURVED),
    Row("pictures in bytes", planted.with_test, {HEALTHY}, {UNLIKE, COPIES}),
    # Rare classes, and labels that are noise.
    Row("rare, weak", WEAK, {RARE}, {NOISE, SUSPECT},
        {RARE: {"class": "1", "found": 0}}, hidden=(8, 8, 8), settings={"epochs": 5}),
    Row("rare, weighted", WEAK, set(), {NOISE, RARE},
        hidden=(8, 8, 8), settings={"epochs": 10, "class_weight": "balanced"}),
    Row("rare, solved", lambda: rare(2000, 0.02, (5, 5, 5, 5)), {HEALTHY}),
    Row("rare, solved, 300", lambda: rare(300, 0.03, (5, 5, 5, 5)), {HEALTHY},
        quick=True),
    Row("noise, even", lambda: noise((0.5, 0.5)), {NOISE}, {RARE, STEP, FEW},
        quick=True),
    Row("noise 90/7/3", lambda: noise((0.9, 0.07, 0.03)), {NOISE}, {RARE}),
    Row("noise 98/2", lambda: noise((0.98, 0.02), 1000), {NOISE}, {RARE}),
    Row("noise, 30 classes", lambda: noise((1 / 30,) * 30, 900), {NOISE}, {RARE}),
    Row("noise, one feature", lambda: noise((0.5, 0.5), 400, 1), {NOISE}, {RARE}),
    Row("weak signal", lambda: gaussians((1000, 1000), apart=0.5), set(), {NOISE},
        settings={"epochs": 5}),
    Row("30 % wrong labels", lambda: gaussians((300, 300), wrong=0.3), set(), {NOISE},
        settings={"epochs": 8}),
    Row("30 % wrong labels, learnt", lambda: gaussians((200, 200), wrong=0.3), {OVER},
        {NOISE, HEALTHY}, hidden=(100, 100), settings={"epochs": 40}),
    Row("rare, learnt by heart", lambda: rare(800, 0.06, (2, 2, -1)), {OVER,
        "above the 0.173 of a guess"}, {NOISE, HEALTHY}, hidden=(64, 64), quick=True),
    Row("8 % wrong labels", lambda: gaussians((300, 300), apart=6, wrong=0.08),
        {SUSPECT}, {NOISE}, settings={"epochs": 10}, quick=True),
    Row("constant inputs", lambda: gaussians(inputs=np.ones_like), {"constant inputs"},
        {NOISE, COPIES, HEALTHY}, quick=True),
    # Test sets unlike the training set, and repeated samples.
    Row("test 255 - x", lambda: planted.with_test(lambda x: 255 - x), {UNLIKE},
        CONFUSED | {CALIBRATION}, quick=True),
    Row("test from 0 to 1", lambda: planted.with_test(lambda x: x / 255), {UNLIKE},
        CONFUSED),
    Row("test labels exchanged", lambda: planted.with_test(labels=lambda y: 1 - y),
        {UNLIKE}, CONFUSED, {UNLIKE: {"validation": 1.0}}),
    Row("test moved", lambda: planted.table_with_test(lambda x: x + 9 * np.eye(6)[2]),
        {UNLIKE}, CONFUSED, {UNLIKE: {"feature": 2}}),
    Row("test columns exchanged", lambda: planted.table_with_test(lambda x: x[:, ::-1]),
        {UNLIKE}, CONFUSED),
    Row("test of one class", lambda: planted.table_with_test(keep=lambda y: y == 1),
        {UNLIKE}, {PAIR, "finding: apart", "data: difficulty"},
        {UNLIKE: {"class": "0", "of_test": 0.0}}),
    Row("test of 1 sample", lambda: planted.table_with_test(
        keep=lambda y: np.arange(len(y)) == 0), {HEALTHY},
        {CALIBRATION, SHORT, UNLIKE, AHEAD, "finding: apart"}, quick=True),
    Row("test of 10 samples", lambda: planted.table_with_test(
        keep=lambda y: np.arange(len(y)) < 10), {HEALTHY},
        {CALIBRATION, SHORT, UNLIKE, AHEAD}),
    Row("leak", planted.leak, {UNLIKE}, CONFUSED, {UNLIKE: {"feature": 2}}, quick=True),
    Row("test copied", planted.copied_test, {COPIES}, {UNLIKE}, quick=True),
    Row("all rows thrice", lambda: planted.of_rows(
        lambda x, y: (np.tile(x, (3, 1)), np.tile(y, 3))), {COPIES}, {UNLIKE},
        settings={"epochs": 20}),
    Row("equal inputs, other labels", lambda: planted.of_rows(
        lambda x, y: (np.r_[x, x[:60]], np.r_[y, 1 - y[:60]])),
        {"a different label"}, {NOISE}),
    Row("rows numbered in order of class", lambda: planted.of_rows(
        lambda x, y: (np.c_[np.arange(len(y)), x], np.sort(y))),
        {"Column 0 numbers the rows"}, {CODE}),
    # Tables: where the network is weak, and what it leans on.
    Row("table, a weak town", lambda: planted.table(flipped="Ulm"), {WEAK_SPOT, LEANS},
        {NOISE, RARE}, {WEAK_SPOT: {"column": "town", "value": 'is "Ulm"'},
        LEANS: {"column": "member"}}, settings=TABLE, quick=True),
    Row("table, nowhere weak", planted.table, {LEANS}, {WEAK_SPOT, NOISE},
        {LEANS: {"column": "member", "others": {}, "unsure": 3}}, settings=TABLE,
        quick=True),
    Row("table of noise", lambda: planted.table(tells=False), {NOISE},
        {LEANS, WEAK_SPOT}, settings=TABLE, quick=True),
    Row("table of 60 rows", lambda: planted.table(flipped="Ulm", total=60), {FEW},
        {WEAK_SPOT, LEANS}, settings=TABLE, quick=True),
    # Labels out of step, and codes for missing values.
    Row("labels off by one row", lambda: SHIFT(labels=rolled(1)), {STEP}, {NOISE, OVER},
        {STEP: {"shift": 1, "whole_file": True}}, quick=True),
    Row("labels off by 40 rows", lambda: SHIFT(labels=rolled(-40)), {STEP}, {NOISE},
        {STEP: {"shift": -40, "whole_file": True}}),
    Row("labels off, overlapping", lambda: SHIFT(apart=2.0, labels=rolled(1)), {STEP},
        {NOISE, OVER}, {STEP: {"shift": 1}}, hidden=(64, 64)),
    Row("-999 everywhere", lambda: gaussians(inputs=planted.coded(-999, 0.1, range(6))),
        {CODE, "codes for missing values"}, {NOISE, UNDER},
        {CODE: {"values": [-999.0] * 6}}, quick=True),
    Row("-999 in one column", lambda: gaussians(inputs=planted.coded(-999, 0.05, (3,))),
        {CODE}, {NOISE, HEALTHY}, {CODE: {"features": [3], "values": [-999.0]}}),
    Row("9999 in whole numbers", lambda: gaussians(inputs=lambda x: planted.coded(
        9999, 0.05, (1,))(np.rint(10 * x).astype(int))), {CODE}, {HEALTHY},
        {CODE: {"features": [1], "values": [9999.0]}}),
    # Few samples.
    Row("12 samples", lambda: gaussians((6, 6)), {FEW},
        VERDICTS - {FEW} | {CALIBRATION, SHORT, GAP, "data: parted by two components"},
        quick=True),
    Row("40 samples, 30 % wrong", lambda: gaussians((20, 20), wrong=0.3), {FEW},
        VERDICTS - {FEW} | {SHORT}, quick=True),
    Row("40 trained, 30 % wrong", planted.few_trained, {FEW}, {NOISE, HEALTHY, SHORT}),
    Row("40 trained, separable", lambda: planted.few_trained(0.0), {BEHIND, AHEAD},
        {NOISE, FEW, HEALTHY}),
    Row("60 samples", lambda: gaussians((30, 30)), {FEW}, {NOISE, RARE}, quick=True),
    # Trainings gone wrong.
    Row("one epoch, weighted", gaussians, {UNDER}, {NOISE, RARE}, settings={
        "epochs": 1, "batch_size": 200, "class_weight": "balanced"}, quick=True),
    Row("one unit, 5 classes", FIVE, {UNDER}, {NOISE, HEALTHY}, hidden=(1,),
        settings={"epochs": 10}, quick=True),
    Row("steps too short", gaussians, {LOW}, {NOISE, RARE}, quick=True,
        settings=SGD | {"epochs": 3, "learning_rate": 1e-7}),
    Row("steps too long", gaussians, {HIGH}, {NOISE, LOW, DECAY}, quick=True,
        settings=SGD | {"epochs": 5, "learning_rate": 300.0}),
    Row("collapsed", lambda: lw.load("digits"), {HIGH, "finding: constant"},
        {NOISE, "finding: apart", CALIBRATION, SUSPECT, "finding: picture"},
        settings={"epochs": 3, "learning_rate": 1.0, "schedule": "constant"}),
    Row("exploding", gaussians, {"exploding"}, {NOISE, DEEP}, hidden=(30,) * 8,
        model={"init": "normal"}, quick=True,
        settings=SGD | {"epochs": 1, "learning_rate": 0.05}),
    Row("too deep", gaussians, {DEEP}, {NOISE}, hidden=(12,) * 40,
        settings=SGD | {"epochs": 1, "learning_rate": 0.05}),
    Row("deep tanh", lambda: gaussians((100,) * 3), set(), {"ReLU ", "become alike"},
        hidden=(12,) * 14, settings={"epochs": 2}, model={"activation": "tanh"}),
    Row("dropout 0.95", lambda: gaussians((100,) * 3), {"dropout too high"},
        {"left in evaluation mode", NOISE}, hidden=(40, 40, 40, 40),
        settings={"epochs": 10}, model={"dropout": 0.95}),
    Row("weight decay 30", gaussians, {DECAY}, {HIGH, NOISE, UNDER, CONSTANT},
        optimiser=Adam(weight_decay=30.0), settings={"epochs": 30}, quick=True),
    Row("weight decay 2000", gaussians, {DECAY}, {HIGH, "gradients not reset"},
        optimiser=Adam(weight_decay=2000.0), settings={"epochs": 20}),
    Row("scales far apart", lambda: gaussians(scaling="none",
        inputs=lambda x: x * np.logspace(-2, 3, 6)), {SCALES}, {NOISE, HEALTHY}),
    Row("inputs too large", lambda: gaussians(inputs=lambda x: 1e5 * x, scaling="none"),
        {UNSCALED}, {NOISE, HEALTHY}, settings={"epochs": 3}, quick=True),
    Row("not scaled, 95 % right", lambda: gaussians((200, 200), scaling="none",
        inputs=lambda x: 1e4 * x), {UNSCALED}, {HEALTHY}, settings={"epochs": 20}),
    Row("a line for a curve", planted.xor, {UNDER, AHEAD}, {NOISE}, hidden=(),
        settings={"epochs": 20}),
    Row("behind its neighbours", lambda: gaussians((30,) * 30, apart=6, features=30),
        {BEHIND, AHEAD}, {NOISE, HEALTHY}, {AHEAD: {"method_accuracy": 1.0}}),
    # Modules of torch.
    Row("module", FIVE, {HEALTHY}, {STALE, STILL}, module="healthy",
        settings={"epochs": 15}),
    Row("module, frozen and enough", FIVE, {HEALTHY}, {STILL}, module="frozen, learnt",
        settings={"epochs": 40}),
    Row("module, frozen", FIVE, {STILL}, {UNDER}, {STILL: {"frozen": ["0"]}},
        module="frozen", settings={"epochs": 10}),
    Row("module, detached", FIVE, {STILL}, {UNDER}, {STILL: {"cut_off": ["0"]}},
        module="detached", settings={"epochs": 10}),
    Row("module, outputs too large", FIVE, {LARGE}, {HEALTHY, NOISE}, module="loud",
        settings={"epochs": 6}),
    Row("module, stale statistics", lambda: FIVE(inputs=lambda x: 5 * x + 3),
        {STALE, f"finding: {STALE}"}, {UNDER, UNSCALED}, module="stale",
        settings={"epochs": 6}),
]  # fmt: skip


class Said(NamedTuple):
    """What was said of a row: evidence of every kind, and all sentences together."""

    evidence: dict[str, list[Mapping[str, Any]]]
    text: str
    scored: int


@functools.cache
def trained(name: str) -> Result:
    """Return the training of a row."""
    row = next(row for row in ROWS if row.name == name)
    settings = {"epochs": 40, "batch_size": 16} | row.settings
    if row.module:
        data = row.make()
        made = planted.module(row.module, data.classes)
        return lw.fit(made, data, optimiser=row.optimiser, **settings)
    settings = {"engine": "eager"} | settings
    architecture = lw.MLP(row.hidden, **row.model)
    return lw.fit(architecture, row.make(), optimiser=row.optimiser, **settings)


def said(row: Row) -> Said:
    """Return what diagnosis, findings and data say, as `layerwise run` does."""
    result = trained(row.name)
    data, simple = result.data, Baselines(result.data)
    remarks = replace(data).remarks  # not those that were found before
    causes = lw.diagnose(result, simple).causes
    told: list[tuple[str, Any]] = [(cause.kind, cause) for cause in causes]
    texts = [*remarks, *(f"{c.headline}. {c.detail} {c.fix}" for c in causes)]
    study, others = None, simple.beside(data.test)
    if result.status != "diverged":
        study = lw.inspect(result.network, data, snapshots=result.snapshots)
        findings = beside(study, others).findings
        told += [(f"finding: {one.kind}", one) for one in findings]
    inputs = inspect_inputs(data, data.test, study=study, simple=others)
    told += [(f"data: {one.kind}", one) for one in inputs.findings]
    evidence: dict[str, list[Mapping[str, Any]]] = {} if causes else {HEALTHY: [{}]}
    for kind, one in told:
        evidence.setdefault(kind, []).append(one.evidence)
        texts += [one.text] if ":" in kind else []
    return Said(evidence, " ".join("\n".join(texts).split()), len(data.test))


EMPTY = re.compile(
    r"\b0 of 0\b|\bnan\b|\binf\b|learning_rate None"
    r"|(?<![\d.,])0 (samples|labels|mistakes|errors|suspicious|units)\b"
)

LEAST = {
    PAIR: ("mixed", 3),
    SUSPECT: ("suspects", 1),
    WEAK_SPOT: ("samples", 20),
    LEANS: ("samples", 20),
    CALIBRATION: ("samples", 20),
    GAP: ("fitted_samples", 20),
    SHORT: ("fitted_samples", 20),
    AHEAD: ("samples", 20),
    "finding: training": ("samples", 20),
    "finding: decided wrong": ("mistakes", 10),
    "finding: decided late": ("late", 20),
}
"""What a kind counts, and how much of it there must be at least."""

OF_MANY = {
    CALIBRATION,
    GAP,
    SHORT,
    AHEAD,
    "finding: apart",
    "finding: collapse",
    "finding: spread",
    "finding: training",
    "data: parted by two components",
}
"""Nothing of this kind is said of fewer than 20 scored samples."""


def faults(row: Row, found: Said) -> list[str]:
    """Return in what the sentences of a row are not what they must be."""

    def has(one: str) -> bool:
        return one in found.evidence or (" " in one and one in found.text)

    wrong = [f"{one!r} is missing" for one in row.required if not has(one)]
    wrong += [f"{one!r} is said" for one in row.forbidden if has(one)]
    for kind, values in row.evidence.items():
        known = found.evidence.get(kind, [])
        shown = [{k: one.get(k) for k in values} for one in known]
        if values not in shown:
            wrong.append(f"{kind!r} has {shown}, not {values}")
    wrong += [f"{match!r} is empty" for match in EMPTY.findall(found.text)]
    for kind, (what, least) in LEAST.items():
        for evidence in found.evidence.get(kind, []):
            if evidence[what] < least:
                wrong.append(f"{kind!r} of {evidence[what]} {what}")
    if found.scored < 20:
        wrong += [f"{kind!r} of {found.scored}" for kind in OF_MANY & {*found.evidence}]
    return wrong


def rows() -> list[Any]:
    slow = pytest.mark.slow("planted truths")
    return [
        pytest.param(row, id=row.name, marks=() if row.quick else slow) for row in ROWS
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("row", rows())
def test_what_is_planted_is_said_and_nothing_else(row: Row):
    found = said(row)
    assert not faults(row, found), found.text


def test_there_are_sixty_and_each_has_a_claim():
    assert len({row.name for row in ROWS}) == len(ROWS) >= 60
    assert all(row.required or row.forbidden for row in ROWS)


@pytest.mark.parametrize(
    ("inputs", "labels", "words"),
    [
        (same, np.arange(300) * 7 % 1009, "look like amounts.*layerwise.MLPRegressor"),
        (same, np.arange(300) / 7, "amounts are for layerwise.MLPRegressor"),
        (same, np.zeros(300, int), "all rows are of class '0'"),
        (lambda x: np.where(x > 3, np.nan, x), np.arange(300) % 2, "row 0, column 2"),
        (lambda x: x[:3], np.arange(3), "3 rows are too few"),
    ],
    ids=["amounts, whole", "amounts", "one class", "missing", "3 samples"],
)
def test_what_is_no_classification_is_refused(
    inputs: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, words: str
):
    with pytest.raises(InputError, match=words):
        lw.Dataset.from_arrays(inputs(planted.arrays()[0]), labels)


BROKEN: dict[str, tuple[str, str, Any]] = {
    # Rules that are not asked.
    "noise, even": ("layerwise.diagnosis._diagnose", "RULES", ()),
    "labels off by one row": ("layerwise.diagnosis._diagnose", "EXPLAINS", {}),
    "12 samples": ("layerwise.study.findings._rules", "CONCLUDING", ()),
    "60 samples": ("layerwise.diagnosis._diagnose", "LEFT", ()),
    "weight decay 30": ("layerwise.diagnosis._course", "PULL", 1e9),
    # Thresholds that are nowhere or everywhere exceeded.
    "-999 everywhere": ("layerwise.data._remarks", "AWAY", 1e9),
    "separable": ("layerwise.diagnosis._evidence.Evidence", "few_validated", True),
    "columns of 0 and 1": ("layerwise.data._remarks", "OFTEN", 1e9),
    "table, a weak town": ("layerwise.study._tables", "CHANCE", 0.0),
    "table, nowhere weak": ("layerwise.study._tables", "CHANCE", 2.0),
    "8 % wrong labels": ("layerwise.study.findings._predictions", "CONVINCING", 2.0),
    "rare, learnt by heart": ("layerwise.diagnosis._course", "OF_WRONG", 1e9),
    "test 255 - x": ("layerwise.study.findings._inputs", "SURE", 1e9),
    "test copied": ("layerwise.data._remarks.Repeats", "sentences", lambda _: ()),
}
"""A row that the table must fail on, and what is broken: module, name, other value."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_the_table_notices_a_rule_that_is_broken(name: str, monkeypatch: Any):
    row = next(row for row in ROWS if row.name == name)
    assert not faults(row, said(row))
    place, what, value = BROKEN[name]
    monkeypatch.setattr(f"{place}.{what}", value)
    assert faults(row, said(row))
