"""The recipes can be followed one by one, and so can the README's examples."""

import contextlib
import shutil

import pytest

FIRST = "Use your own arrays"
RECIPES = (
    "Predict new rows",
    "Resume after Ctrl-C, a kill or a full disk",
    "Stop early",
    "See where training works",
    "Put runs side by side",
    "Inspect a PyTorch network",
    "Read a run in Python",
    "Show results in a notebook",
    "Step through the layers with a debugger",
    "See one training step with every number",
    "Train inside scikit-learn",
    "Use the principal components in scikit-learn",
)


@pytest.fixture(scope="module")
def begun(read, tmp_path_factory):
    """What the first recipe leaves: a folder, and names."""
    folder = tmp_path_factory.mktemp("begun")
    with contextlib.chdir(folder):
        return folder, read("how-to.md", FIRST).names


@pytest.mark.slow("documents")
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_needs_no_more_than_the_first(begun, follow, tmp_path, recipe):
    folder, names = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert follow("how-to.md", recipe, **names).printed


def test_none_is_left_out(repository, read_blocks):
    blocks = read_blocks(repository / "docs" / "how-to.md")
    runs = {block.section for block in blocks if block.language in ("python", "sh")}
    assert runs == {FIRST, *RECIPES}


@pytest.mark.slow("documents")
def test_the_readme_s_examples_run(follow):
    follow("../README.md")
