"""The course: its files are current, its solutions right, and its gaps are found."""

import importlib
import os
import shutil

import pytest

import layerwise as lw

PARTS = {
    "1_layers": [
        "Linear", "Linear.update", "ReLU", "Softmax", "CrossEntropyLoss", "MLP",
    ],
    "2_depth": ["DeepNetwork"],
    "3_mnist": ["SoftmaxCrossEntropy"],
    "4_torch": ["SiLU"],
    "5_one_step": ["TwoLayerNet"],
}  # fmt: skip

NEEDS_MNIST = pytest.mark.skipif(
    "LAYERWISE_DATA" not in os.environ, reason="no folder with MNIST is named"
)


@pytest.fixture(scope="module")
def course(repository):
    return repository / "docs" / "course"


@pytest.fixture
def make_course(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "docs")
    return importlib.import_module("make_course")


def test_sheets_and_notebooks_are_current(make_course, course):
    """To fix it: make course."""
    made = make_course.made()
    there = {*course.rglob("*.py"), *course.rglob("*.ipynb")}
    assert there - {*course.glob("solutions/*.py")} == made.keys()
    stale = [
        path.name for path, text in made.items() if path.read_text("utf-8") != text
    ]
    assert stale == []


def test_these_are_all_sheets(course):
    assert sorted(path.stem for path in course.glob("solutions/*.py")) == [*PARTS]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("form", ["py", "ipynb"])
@pytest.mark.parametrize("name", PARTS)
def test_solutions_pass(course, name, form):
    needs_torch(name)
    marks = lw.gradcheck(course / "solutions" / f"{name}.{form}")
    assert marks.passed, marks
    assert [part.name for part in marks.parts] == PARTS[name]
    assert not any(part.warnings for part in marks.parts), marks


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", PARTS)
def test_gaps_are_reported(course, name):
    needs_torch(name)
    marks = lw.gradcheck(course / f"{name}.py")
    assert [p.name for p in marks.parts] == [n for n in PARTS[name] if "." not in n]
    assert not any(part.passed for part in marks.parts)
    assert "NotImplementedError" in str(marks)
    assert marks.exit_status == 2


@pytest.mark.slow("documents")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=NEEDS_MNIST if n[0] in "34" else ()) for n in PARTS]
)
def test_solutions_run_from_first_cell_to_last(course, name, capsys):
    needs_torch(name)
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(course / "solutions" / f"{name}.ipynb", as_version=4)
    names = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, name, "exec"), names)
    assert capsys.readouterr().out


@pytest.mark.usefixtures("unchecked")
def test_a_class_is_marked(follow, course, tmp_path):
    solution = (course / "solutions" / "1_layers.py").read_text("utf-8")
    right = "self.db = gradient.sum(axis=0)"
    assert solution.count(right) == 1
    handed_in = tmp_path / "handed-in"
    handed_in.mkdir()
    shutil.copy(course / "solutions" / "1_layers.ipynb", handed_in / "ada.ipynb")
    wrong = solution.replace(right, "self.db = gradient.mean(axis=0)")
    (handed_in / "bo.py").write_text(wrong, "utf-8")
    shutil.copy(course / "1_layers.py", handed_in / "cy.py")
    assert follow("course/teachers.md").complete


def needs_torch(name):
    if name == "4_torch":
        pytest.importorskip("torch")
