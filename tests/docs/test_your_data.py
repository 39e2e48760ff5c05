"""Every recipe for one's own data can be followed, with files such as it names."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

RNG = np.random.default_rng(0)
ROWS = 200


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with what the recipes name."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {
            "customer": [f"C{n}" for n in range(ROWS)],
            "age": RNG.integers(18, 90, ROWS),
            "town": RNG.choice([f"town {n}" for n in range(20)], ROWS),
            "churn": np.arange(ROWS) % 2,
        }
    )
    frame.to_csv("churn.csv", index=False)
    frame.iloc[:20].to_csv("test.csv", index=False)
    frame.iloc[20:40].to_csv("validation.csv", index=False)
    (tmp_path / "names.txt").write_text("stays\ngoes\n", "utf-8")
    pixels = RNG.integers(0, 256, (ROWS, 64))
    table = pd.DataFrame(pixels, columns=[f"pixel{n}" for n in range(64)])
    table.assign(label=np.arange(ROWS) % 3).to_csv("train.csv", index=False)
    np.save("X.npy", pixels)
    np.save("y.npy", np.arange(ROWS) % 3)
    np.savez("arrays.npz", pictures=pixels, kind=np.arange(ROWS) % 3)
    savemat("arrays.mat", {"X": pixels, "y": np.arange(ROWS)[:, None] % 3})
    for name in ("lily", "rosé"):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        for place in range(12):
            picture = RNG.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(picture).save(f"flowers/{name}/{place}.png")
    return tmp_path


@pytest.mark.slow("documents")
@pytest.mark.usefixtures("files")
def test_the_recipes_can_be_followed(follow):
    follow("your-data.md")
