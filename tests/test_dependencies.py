"""What the code imports is what the package says that it needs."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def imported(tree):
    """Yield the names that a file imports, those by `import_module` too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


def declared():
    """The names of all that an installation, with extras or not, brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(r for extra in extras for r in extra)]
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    files = list((ROOT / "src").rglob("*.py"))
    assert len(files) > 100
    names = {name for file in files for name in imported(ast.parse(file.read_text()))}
    packages = {name.split(".")[0] for name in names}
    distributions = packages_distributions()
    theirs = packages - sys.stdlib_module_names - {"layerwise"}
    # A package that is not installed here (torch, perhaps) has its distribution's name.
    needed = {distributions.get(package, [package])[0] for package in theirs}
    assert {canonicalize_name(name) for name in needed} == declared()
