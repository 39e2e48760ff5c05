"""The derivations' own example prints what they say."""

import pytest


@pytest.mark.slow("documents")
def test_the_examples_print_what_is_shown(follow):
    follow("derivations.md")
