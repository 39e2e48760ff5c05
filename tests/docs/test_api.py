"""The API reference shows every public name; what a docstring lacks is named."""

import importlib

import pytest

import layerwise


@pytest.fixture(scope="module")
def make_api(repository):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "docs")
        yield importlib.import_module("make_api")


@pytest.fixture(scope="module")
def shown(make_api):
    return make_api.pages()


def test_every_public_name_is_shown_with_what_it_gives(shown):
    names = {name for values in shown.values() for name in values}
    assert names >= {*layerwise.__all__, *layerwise.plot.__all__} - {
        "__version__", "plot",
    }  # fmt: skip
    # Of fit, of Study, of diagnose, of History.
    assert names >= {"Result", "LayerStudy", "Finding", "Cause", "Epoch"}


def test_every_docstring_names_every_parameter(make_api, shown):
    assert make_api.gaps(shown) == []


def bare(alpha):
    pass


def partly(alpha, beta):
    """Do something.

    Parameters
    ----------
    alpha : float
    gamma : float
    """


def referring(alpha):
    """Do the same; parameters are those of `partly`."""


class Holder:
    """Something with a method."""

    def kept(self, alpha):
        """Keep alpha; a method's sentence may say what it takes.

        Parameters
        ----------
        old : float
        """

    def silent(self):
        pass


def test_what_a_docstring_lacks_is_named(make_api):
    planted = {f.__name__: f for f in (bare, partly, referring, Holder)}
    assert make_api.gaps({"room": planted}) == [
        "room.Holder.kept: old is no parameter",
        "room.Holder.silent: no docstring",
        "room.bare: no docstring",
        "room.partly: beta is not documented",
        "room.partly: gamma is no parameter",
    ]
