"""Histories as tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import layerwise as lw
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


def test_read_again_it_is_the_same(small):
    history = lw.fit(lw.MLP([8]), small, epochs=3, batch_size=16).history
    again = History.from_csv(history.to_csv())
    # What layers had is in another table.
    assert again.epochs == tuple(replace(epoch, dead=()) for epoch in history.epochs)
    assert again.losses.tobytes() == history.losses.tobytes()
    assert again.accuracies.tobytes() == history.accuracies.tobytes()
    assert History.from_csv(History().to_csv()).losses.shape == (0,)


@pytest.mark.parametrize(
    "text", ["step,loss\n1,2\n", "step,loss,accuracy,epoch\n2,1,1,\n", "a,b\n1,2\n"]
)
def test_what_is_no_history_is_told_by_its_line(text):
    with pytest.raises(ValueError, match=r"^line 2: "):
        History.from_csv(text)
