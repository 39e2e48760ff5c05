"""A training is judged once: findings add where, and never another verdict."""

import io
import json
from dataclasses import asdict

import numpy as np
import pytest
from rich.console import Console

import layerwise as lw
from layerwise.baselines import Baselines
from layerwise.presentation import print_diagnosis, print_findings
from layerwise.study import inspect_inputs


def noisy() -> lw.Dataset:
    """Three classes, a third of whose labels are drawn at random."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 600)
    inputs = rng.normal(size=(600, 8)) + 2 * np.eye(3, 8)[targets]
    targets = np.where(rng.random(600) < 1 / 3, rng.integers(0, 3, 600), targets)
    return lw.Dataset.from_arrays(inputs, targets)


PLANTED = {
    "overfitting": (noisy, [100, 100], {"epochs": 60, "schedule": "constant"}),
    "underfitting": (lambda: lw.load("digits"), [2], {"epochs": 10}),
}


@pytest.fixture(scope="module", params=PLANTED)
def told(request):
    """The planted fault, the diagnosis, and the findings of network and inputs."""
    make, hidden, settings = PLANTED[request.param]
    data = make()
    result = lw.fit(lw.MLP(hidden), data, engine="eager", **settings)
    simple = Baselines(data)
    study = lw.inspect(result.network, data, snapshots=result.snapshots)
    inputs = inspect_inputs(
        data, data.test, study=study, simple=simple.beside(data.test)
    )
    findings = (*study.findings, *inputs.findings)
    return request.param, lw.diagnose(result, simple), findings


def test_the_diagnosis_says_it_and_the_terminal_once(told):
    planted, diagnosis, findings = told
    assert [cause.kind for cause in diagnosis.causes] == [planted]
    printed = io.StringIO()
    console = Console(file=printed, width=100)
    print_diagnosis(console, diagnosis)
    print_findings(console, findings)
    assert printed.getvalue().lower().count(planted) == 1


def test_no_finding_is_a_second_verdict_or_another(told):
    planted, _, findings = told
    written = json.dumps([asdict(finding) for finding in findings])
    assert "overfit" not in written
    assert "underfit" not in written
    kinds = {finding.kind for finding in findings}
    assert ("gap" in kinds) == (planted == "overfitting")
    assert ("short of what is required" in kinds) == (planted == "underfitting")


def test_alone_it_finds_out_what_it_needs(iris):
    result = lw.fit(lw.MLP([2]), iris, epochs=1, engine="eager")
    assert lw.diagnose(result) == lw.diagnose(result, Baselines(iris))
