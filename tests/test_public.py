"""The public face: cheap to import, complete, in order."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import layerwise

HEAVY = {"jax", "torch", "sklearn", "matplotlib", "scipy", "pandas", "rich", "tyro"}

ROOMS = sorted(m.name for m in pkgutil.iter_modules(layerwise.__path__) if m.ispkg)

MODULES = [
    "arrays", "baselines", "errors", "files", "names", "plot", "ranks", "sweeps",
    "wording",
]  # fmt: skip


def test_the_rooms_are_those_of_the_design():
    expected = """
    cli data diagnosis estimators experiment model modules presentation
    sheets statistics study training
    """
    assert expected.split() == ROOMS


def loaded_by(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after it."""
    code = f"{statement}\nimport sys; print(*{{m.split('.')[0] for m in sys.modules}})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_heavy():
    loaded = loaded_by("import layerwise")
    assert "layerwise" in loaded
    assert not loaded & {*HEAVY, "numpy"}


def test_models_and_eager_mathematics_need_neither_jax_nor_torch():
    loaded = loaded_by("import layerwise; layerwise.MLP; layerwise.fit; layerwise.load")
    assert "numpy" in loaded
    assert not loaded & HEAVY


def test_who_has_no_module_loads_no_torch(tmp_path):
    loaded = loaded_by(
        f"""
import layerwise as lw, layerwise.experiment, layerwise.presentation
data = lw.load("iris")
result = lw.fit(lw.MLP([4]), data, epochs=1, engine="eager")
lw.diagnose(result), lw.inspect(result.network, data), result.snapshots
lw.save_network(result.network, {str(tmp_path / "n")!r})
lw.load_network({str(tmp_path / "n")!r})
"""
    )
    assert "layerwise" in loaded
    assert not loaded & {"jax", "torch"}


def test_every_name_resolves():
    for name in layerwise.__all__:
        assert getattr(layerwise, name) == getattr(layerwise, name)
    assert dir(layerwise) == sorted(layerwise.__all__)
    assert layerwise.__version__.count(".") == 2


def test_every_name_in_texts_is_there():
    root = Path(layerwise.__file__).parents[2]
    texts = [*root.glob("docs/*.md"), root / "README.md", *root.glob("src/**/*.py")]
    said = {
        name
        for path in texts
        for name in re.findall(r"\blw\.([A-Za-z]\w*)", path.read_text("utf-8"))
    }
    assert "inspect" in said
    assert said <= {*layerwise.__all__, *ROOMS, *MODULES}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"no attribute 'train_on_test'$"):
        _ = layerwise.train_on_test


def in_order(names: list[str]) -> list[str]:
    """Constants, then classes, then functions: ruff's RUF022."""

    def kind(name: str) -> int:
        if name.isupper() and len(name) > 1:
            return 0
        return 1 if name[0].isupper() else 2

    return sorted(names, key=lambda name: (kind(name), name))


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_all_is_in_order_and_is_what_it_imports(room):
    module = importlib.import_module(f"layerwise.{room}")
    public = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert module.__all__ == in_order(public)


@pytest.mark.parametrize("name", MODULES)
def test_a_modules_all_is_in_order_and_is_what_it_defines(name):
    module = importlib.import_module(f"layerwise.{name}")
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }
    assert defined <= set(module.__all__)
    assert module.__all__ == in_order(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_name_is_documented(room):
    module = importlib.import_module(f"layerwise.{room}")
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
