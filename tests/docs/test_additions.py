"""The patches of the architecture apply to today's source, and what they add works.

Each is applied to a copy of ``src``, and used in a process of its own: this file, run
with the name of the addition. To renew one that no longer applies, make its change to
``src`` by hand and ``git diff -U2 src > docs/additions/NAME.diff``.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOST_FILES = {
    "activation": 2,
    "optimiser": 2,
    "engine": 3,
    "format": 2,
    "measure": 2,
    "figure": 2,
    "finding": 2,
    "cause": 2,
    "option": 2,
}
"""How many source files an addition may touch; a new one counts too."""


def trained(**settings):
    import layerwise as lw

    architecture = lw.MLP([8], settings.pop("activation", "relu"))
    settings = {"epochs": 20, "learning_rate": 0.05} | settings
    return lw.fit(architecture, lw.load("iris"), **settings)


def printed(*command: str) -> str:
    from layerwise.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*command])
    return said.getvalue()


def use_activation() -> None:
    import layerwise as lw
    from layerwise.model import ACTIVATIONS, gradcheck, own_targets

    assert gradcheck(ACTIVATIONS["softplus"])
    assert "Softplus" in own_targets()
    assert "softplus" in printed("run", "--help")
    result = trained(activation="softplus")
    assert result.validation.accuracy > 0.9
    back = lw.from_torch(lw.to_torch(result.network))
    assert back.architecture == result.network.architecture
    model = lw.MLPClassifier((5,), "softplus", max_iter=1, n_iter_no_change=1)
    with pytest.warns(match="1 epochs are done"):
        model.fit(result.data.train.inputs, result.data.train.targets)


def use_optimiser() -> None:
    assert "rmsprop" in printed("run", "--help")
    for engine in ("eager", "compiled", "torch"):
        result = trained(optimizer="rmsprop", engine=engine)
        assert result.validation.accuracy > 0.9


def use_engine() -> None:
    import numpy as np

    from layerwise.arrays import leaves

    kept = []

    def note(checkpoint):
        kept.append(checkpoint)
        if len(kept) == 5:
            raise KeyboardInterrupt

    assert "double" in printed("run", "--help")
    double, single = trained(engine="double"), trained(engine="eager")
    assert double.engine == "double"
    assert trained(engine="double", save=note).status == "interrupted"
    resumed = trained(engine="double", resume=kept[-1])
    networks = [one.network.parameters for one in (double, single, resumed)]
    for ours, theirs, again in zip(*map(leaves, networks), strict=True):
        assert ours.dtype == np.float64
        assert np.allclose(ours, theirs, atol=1e-3)
        assert np.array_equal(ours, again)


def use_format() -> None:
    import numpy as np

    import layerwise as lw

    lines = [f"{'ab'[i % 2]} 1:{i % 2} 3:{i / 40}" for i in range(40)]
    Path("made.svm").write_text("\n".join([*lines, "# end"]), "utf-8")
    assert ".svm" in printed("data", "--help")
    data = lw.load("made.svm")
    assert data.name == "made"
    assert data.class_names == ("a", "b")
    assert data.shape == (3,)
    assert np.array_equal(data.train.inputs[:, 0], data.train.targets)
    lw.fit(lw.MLP([4]), data, epochs=1)
    Path("bad.svm").write_text("a 1:2\nb 0:1", "utf-8")
    try:
        lw.load("bad.svm")
    except lw.InputError as error:
        assert "line 2" in str(error)  # noqa: PT017 - pytest has no part in this process
    else:
        raise AssertionError


def studied():
    import layerwise as lw

    data = lw.load("iris")
    result = lw.fit(lw.MLP([8]), data, epochs=2, engine="eager")
    return lw.inspect(result.network, data)


def use_measure() -> None:
    from layerwise.presentation.figures import measures_by_layer
    from layerwise.study import MEASURES

    study = studied()
    assert "sparsity" in MEASURES
    layer = study.layers[0]
    assert 0 < layer.measures.values["sparsity"] < 1
    assert study.layers[-1].measures.values["sparsity"] == 0
    table = study.to_pandas().query("measure == 'sparsity' and layer == 'hidden1'")
    assert table.value.iloc[0] == layer.measures.values["sparsity"]
    titles = [ax.get_title("left") for ax in measures_by_layer(study).axes]
    assert titles[-1] == "sparsity"


def use_figure() -> None:
    from layerwise.presentation.figures import OF_STUDY, save_figures

    study = studied()
    own = [figure for figure in OF_STUDY if figure.name == "separation"]
    (path,) = save_figures(own, study, "figures")
    assert path.read_bytes().startswith(b"\x89PNG")
    (figure,) = own
    assert len(figure.draw(study).texts) == len(study.class_names) ** 2


def use_finding() -> None:
    study = studied()
    (found,) = (one for one in study.findings if one.kind == "few samples")
    assert sum(found.evidence["samples"].values()) == len(study.targets)
    assert "setosa (8)" in found.text


def use_cause() -> None:
    import layerwise as lw
    from layerwise.diagnosis import Setup

    setup = Setup(lw.MLP([8]), lw.load("iris"), lw.Recipe(epochs=2))
    result = lw.fit(setup.architecture, setup.data, setup.recipe)
    assert lw.diagnose(result).causes[0].kind == "too few steps"
    fixed = lw.fix(setup, result)
    assert fixed.rounds[0].change == {"epochs": 14}


def use_option() -> None:
    import json

    from layerwise.cli import main

    given = ["--normalise", "--norm-epsilon", "0.5", "--hidden", "4", "--epochs", "1"]
    assert main(["train", "iris", *given, "--out", "run"]) == 0
    plan = json.loads(Path("run/summary.json").read_text("utf-8"))["plan"]
    assert plan["architecture"]["norm_epsilon"] == 0.5
    assert main(["train", "iris", "--norm-epsilon", "0"]) == 2


@pytest.mark.slow("documents")
@pytest.mark.parametrize("name", MOST_FILES)
def test_an_addition_applies_and_works(name, repository, tmp_path):
    patch = repository / "docs" / "additions" / f"{name}.diff"
    shutil.copytree(
        repository / "src",
        tmp_path / "src",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    environment = os.environ | {
        # Inside a repository git leaves out what is not tracked.
        "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
        "PYTHONPATH": str(tmp_path / "src"),
    }
    for command in (
        ["git", "apply", "--whitespace=error-all", str(patch)],
        [sys.executable, __file__, name],
    ):
        done = subprocess.run(  # noqa: PLW1510 - what went wrong is said below
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    touched = re.findall(r"^\+\+\+ b/(.*)$", patch.read_text("utf-8"), re.MULTILINE)
    assert all(file.startswith("src/layerwise/") for file in touched)
    assert len(touched) <= MOST_FILES[name]


def test_the_architecture_leads_to_every_addition(repository):
    page = (repository / "docs" / "architecture.md").read_text("utf-8")
    linked = re.findall(r"\]\(additions/([\w-]+)\.diff\)", page)
    assert sorted(linked) == sorted(MOST_FILES)
    there = (repository / "docs" / "additions").iterdir()
    assert sorted(file.stem for file in there) == sorted(MOST_FILES)


if __name__ == "__main__":
    globals()[f"use_{sys.argv[1]}"]()
