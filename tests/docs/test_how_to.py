"""The recipes work, and so do the README's examples."""

import pytest


@pytest.mark.slow
def test_the_recipes_can_be_followed(follow):
    follow("how-to.md")


def test_the_readme_s_examples_run(follow):
    follow("../README.md")
