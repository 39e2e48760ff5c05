"""Histories as tables."""

import numpy as np
import pandas as pd
import pytest

from layerwise.training import Epoch, History


@pytest.fixture
def history():
    losses = np.array([1.5, 0.1, 1 / 3, np.nan], np.float32)
    accuracies = np.array([0.0, 0.5, 1.0, np.nan], np.float32)
    epochs = (Epoch(1, 2, 0.5, 0.75, 0.25, 0.8, 0.125),)
    return History(losses, accuracies, epochs)


def test_one_row_for_each_step_and_the_epochs_in_their_last(history):
    assert history.to_csv().splitlines() == [
        "step,loss,accuracy,epoch,seconds,train_loss,train_accuracy,"
        "validation_loss,validation_accuracy",
        "1,1.5,0.0,,,,,,",
        "2,0.1,0.5,1,0.5,0.75,0.25,0.8,0.125",
        "3,0.33333334,1.0,,,,,,",
        "4,nan,nan,,,,,,",
    ]


def test_a_frame_has_the_numbers_of_the_table(history):
    frame = history.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["step"].tolist() == [1, 2, 3, 4]
    assert np.array_equal(
        frame["loss"].to_numpy(np.float32), history.losses, equal_nan=True
    )
    assert frame.loc[1, "validation_accuracy"] == 0.125
    assert frame["epoch"].isna().tolist() == [True, False, True, True]


def test_nothing_yet():
    assert History().to_csv().count("\n") == 1
    assert len(History().to_pandas()) == 0


def test_pandas_is_asked_for_by_name(history, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'layerwise\[pandas\]'"):
        history.to_pandas()
