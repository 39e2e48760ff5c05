"""The page's tables, and the words of its figures: the records' own numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import layerwise as lw
from layerwise.data import describe
from layerwise.presentation._report import measure_table, statistics_table
from layerwise.presentation.payload._numbers import study_tables
from layerwise.study import MEASURES
from layerwise.wording import typeset


@pytest.fixture
def odd(digits):
    """Measures of the input that are not known, infinite, and of a plane given."""
    layer = digits.study.input
    values = {**layer.measures.values, "silhouette": np.nan, "fisher_ratio": np.inf}
    measures = replace(layer.measures, values={**values, "UMAP_continuity": 0.75})
    study = replace(digits.study, input=replace(layer, measures=measures))
    return replace(digits, study=study)


def test_columns_of_a_table_have_no_range_in_common(digits):
    """Years beside shares: of all values together nothing is said."""
    rng = np.random.default_rng(0)
    columns = {"year": 1990 + rng.integers(0, 34, 90), "share": rng.random(90)}
    frame = pd.DataFrame({**columns, "bought": np.tile(["yes", "no", "no"], 30)})
    names = [row[0] for row in statistics_table(digits.statistics).body]
    table = describe(lw.Dataset.from_frame(frame, "bought"))
    assert [row[0] for row in statistics_table(table).body] == [
        name for name in names if name not in ("min, max", "mean ± std")
    ]
    assert "min, max" in names


def written(name, measured):
    return [f"{each.values[name]:.3g}" for each in measured]


def test_every_measure_is_a_row_and_every_layer_a_column(odd):
    measured = {layer.name: layer.measures for layer in odd.study}
    table = measure_table(measured, meanings=True)
    assert table.head == (
        "measure", "input", "hidden1", "hidden2", "output", "meaning",
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in table.body}
    values = odd.study.layers[0].measures.values
    # The second hidden layer has two more: those that need the output's weights.
    names = [name for name in MEASURES if name in odd.study.layers[1].measures.values]
    assert set(values) < set(names)
    assert list(rows) == [
        *(name.replace("_", " ") for name in names), "UMAP continuity",
    ]  # fmt: skip
    hidden = [layer.measures for layer in odd.study.layers]
    for name, first in (("silhouette", "–"), ("fisher_ratio", "∞")):
        assert rows[name.replace("_", " ")] == (
            first, *written(name, hidden), MEASURES[name].meaning,
        )  # fmt: skip
    assert rows["UMAP continuity"] == ("0.75", "–", "–", "–", "")
    assert rows["collapse duality"][:2] == ("–", "–")


def test_the_untrained_network_and_shuffled_labels_have_tables_too(odd):
    study = odd.study
    tables = {table["id"]: table for table in study_tables(study)}
    untrained, shuffled = (
        {name: values for name, *values in tables[name]["rows"]}
        for name in ("untrained", "shuffled")
    )
    assert tables["untrained"]["head"] == ["measure", "hidden1", "hidden2", "output"]
    before = [layer.measures for layer in study.untrained.layers]
    chance = [layer.shuffled for layer in study]
    for name in ("silhouette", "fisher_ratio", "participation_ratio"):
        told = [[*map(typeset, written(name, own))] for own in (before, chance)]
        found = [table[name.replace("_", " ")] for table in (untrained, shuffled)]
        assert found == told
