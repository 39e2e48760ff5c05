"""Pictures: folders of classes, tables of pixels, arrays that have their shape."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import layerwise as lw
from layerwise.data import _pictures
from layerwise.errors import InputError

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (80, 100), np.uint8)
CLASSES = ("<b>bold", "lily of the valley", "rosé")


def saved(path, picture, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **how)
    return path


def folder_of(folder, shape=(8, 10), each=12, ending="png"):
    """A folder with pictures of one grey or colour for each class."""
    for number, name in enumerate(CLASSES):
        for place in range(each):
            picture = np.full(shape, 40 + 80 * number + place, np.uint8)
            saved(folder / name / f"{place:02}.{ending}", picture)
    return folder


class TestFolders:
    @pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "gif", "jpg"])
    def test_grey_pictures_stay_bytes(self, tmp_path, ending):
        data = lw.load(folder_of(tmp_path, ending=ending))
        assert data.class_names == CLASSES
        assert (data.shape, data.train.inputs.dtype) == ((8, 10), np.uint8)
        assert data.is_image
        for sample in range(len(data.train)):
            named = data.train.where.named(sample)
            name, place = Path(named.removeprefix("row 0 of ")).parts
            assert data.class_names[data.train.targets[sample]] == name
            value = 40 + 80 * CLASSES.index(name) + int(place[:2])
            assert np.abs(data.train.inputs[sample].astype(int) - value).max() <= 1

    def test_colours_of_mixed_sizes_are_brought_to_the_median(self, tmp_path):
        for name in CLASSES:
            for place, side in enumerate((6, 8, 8, 8, 20) * 3):
                colour = np.full((side, side + 2, 3), (200, 10, 90), np.uint8)
                saved(tmp_path / name / f"{place}.jpg", colour, quality=100)
        data = lw.load(tmp_path)
        assert data.shape == (8, 10, 3)
        assert "sizes, 6 × 8 to 20 × 22; all are resized to 8 × 10" in str(data.notes)
        assert np.abs(data.train.inputs.astype(int) - (200, 10, 90)).max() < 4
        assert lw.load(tmp_path, size=(4, 5)).shape == (4, 5, 3)

    @pytest.mark.parametrize("validation", ["validation", "Val", "valid"])
    def test_given_sets(self, tmp_path, validation):
        for part, each in (("train", 6), (validation, 3), ("test", 2)):
            folder_of(tmp_path / part, each=each)
        data = lw.load(tmp_path)
        sizes = [len(part) for part in (data.train, data.validation, data.test)]
        assert sizes == [18, 9, 6]
        assert np.array_equal(data.test.targets, [0, 0, 1, 1, 2, 2])
        assert data.test.where.named(5) == f"row 0 of test{os.sep}rosé{os.sep}01.png"

    def test_what_is_no_picture_is_passed_over_and_said(self, tmp_path):
        folder_of(tmp_path)
        (tmp_path / "rosé" / "notes.txt").write_text("mine")
        (tmp_path / "rosé" / ".DS_Store").write_text("theirs")
        assert "no pictures: notes.txt (1 in all)" in str(lw.load(tmp_path).notes)

    def test_as_the_camera_was_held(self, tmp_path):
        picture = np.zeros((8, 10), np.uint8)
        picture[:, :3] = 200
        exif = Image.Exif()
        exif[0x0112] = 6  # turned clockwise to be seen
        for name in "ab":
            for place in range(9):
                path = tmp_path / name / f"{place}.png"
                saved(path, picture + np.uint8(place), exif=exif)
        data = lw.load(tmp_path)
        assert data.shape == (10, 8)
        assert (data.train.inputs[:, :3] >= 200).all()

    def test_what_is_transparent_is_white(self, tmp_path):
        picture = np.zeros((6, 6, 4), np.uint8)
        picture[:3, :, 3] = 255
        for name in "ab":
            for place in range(9):
                saved(tmp_path / name / f"{place}.png", picture + np.uint8(0))
        inputs = lw.load(tmp_path).train.inputs
        assert (inputs[:, :3] == 0).all()
        assert (inputs[:, 3:] == 255).all()

    def test_deeper_grey_is_scaled(self, tmp_path):
        for name in "ab":
            for place in range(9):
                deep = np.full((6, 6), 257 * (100 + place), np.uint16)
                saved(tmp_path / name / f"{place}.png", deep)
        inputs = lw.load(tmp_path).train.inputs
        assert (inputs.min(), inputs.max() - inputs.min() < 9) == (100, True)

    def test_nothing_is_fitted_outside_the_training_set(self, tmp_path):
        folder_of(tmp_path)
        data = lw.load(tmp_path)
        for sample in range(len(data.validation)):
            path = tmp_path / data.validation.where.file(sample)
            saved(path, np.zeros((60, 60, 3), np.uint8))
        again = lw.load(tmp_path)
        assert again.shape == data.shape
        assert np.array_equal(again.train.inputs, data.train.inputs)

    def test_a_shape_is_for_rows_of_numbers(self, tmp_path):
        with pytest.raises(InputError, match="holds pictures, which have a shape"):
            lw.load(folder_of(tmp_path), shape=(8, 10))

    @pytest.mark.parametrize(
        ("broken", "line"),
        [
            (lambda f: (f / "rosé/03.png").write_bytes(b"no"), "03.png: no picture"),
            (
                lambda f: (f / "rosé/03.png").write_bytes(
                    saved(f / "x.png", NOISE).read_bytes()[:4000]
                ),
                "03.png: no picture that can be read",
            ),
            (
                lambda f: [p.unlink() for p in (f / "rosé").iterdir()],
                "rosé: has no pictures|two classes or more",
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path, broken, line):
        folder = folder_of(tmp_path / "f")
        broken(folder)
        if "two classes" in line:
            (folder / "rosé" / "x.txt").write_text("")
        with pytest.raises(InputError, match=line) as caught:
            lw.load(folder)
        assert "\n" not in str(caught.value)

    def test_too_many_pixels_are_refused_before_they_are_decoded(
        self, tmp_path, monkeypatch
    ):
        folder_of(tmp_path)
        monkeypatch.setattr(_pictures, "MOST_PIXELS", 79)
        monkeypatch.setattr(_pictures.PictureFile, "decoded", None)
        with pytest.raises(InputError, match=r"00\.png: has more than 79 pixels"):
            lw.load(tmp_path)

    def test_a_test_set_alone_is_told(self, tmp_path):
        folder_of(tmp_path / "test")
        with pytest.raises(InputError, match="has test but no train folder"):
            lw.load(tmp_path)

    def test_a_test_class_that_training_has_not_is_named(self, tmp_path):
        folder_of(tmp_path / "train")
        saved(tmp_path / "test" / "tulip" / "1.png", np.zeros((8, 10), np.uint8))
        with pytest.raises(InputError, match="no class 'tulip'"):
            lw.load(tmp_path)


PIXELS = RNG.integers(0, 256, (60, 36))
LABELS = np.arange(60) % 3


class TestPixels:
    @pytest.fixture
    def table(self, tmp_path):
        frame = pd.DataFrame(PIXELS, columns=[f"pixel{n}" for n in range(36)])
        frame.insert(0, "label", LABELS)
        frame.to_csv(tmp_path / "train.csv", index=False)
        return tmp_path / "train.csv"

    def test_a_table_of_pixels_is_known_and_said(self, table):
        data = lw.load(table)
        assert (data.shape, data.train.inputs.dtype) == ((6, 6), np.uint8)
        assert "'pixel0' to 'pixel35' are taken for pictures of 6 × 6" in str(
            data.notes
        )
        expected = PIXELS.reshape(-1, 6, 6)[data.test.rows]
        assert np.array_equal(data.test.inputs, expected)
        assert lw.load(table, shape=(4, 9)).shape == (4, 9)

    def test_a_network_takes_them_too(self, table):
        data = lw.load(table)
        network = lw.fit(lw.MLP([4]), data, epochs=1, seed=0, engine="eager").network
        frame = pd.read_csv(table).iloc[data.test.rows]
        assert np.array_equal(network.logits(frame), network.logits(data.test.inputs))
        frame.loc[frame.index[2], "pixel7"] = 300
        with pytest.raises(InputError, match=r"row 2, column 'pixel7' .* is 300, no p"):
            network.logits(frame)

    @pytest.mark.parametrize(
        ("shape", "line"),
        [((5, 7), "shape of 5x7 has 35 pixels where"), ((0, 36), "shape 0x36: give")],
    )
    def test_a_wrong_shape_is_told(self, table, shape, line):
        with pytest.raises(InputError, match=line):
            lw.load(table, shape=shape)


class TestArrays:
    def test_other_names_in_an_archive(self, tmp_path):
        np.savez(tmp_path / "a.npz", pics=PIXELS, digit=LABELS, spare=np.arange(4))
        data = lw.load(tmp_path / "a.npz", shape=(6, 6))
        assert (data.shape, data.train.inputs.dtype) == ((6, 6), np.uint8)
        assert "'pics' is taken for the inputs, 'digit' for the labels." in data.notes
        assert np.array_equal(data.test.targets, LABELS[data.test.rows])

    def test_a_pair_of_files(self, tmp_path):
        np.save(tmp_path / "X.npy", PIXELS / 255)
        np.save(tmp_path / "kinds.npy", LABELS)
        data = lw.load(tmp_path / "X.npy", labels=str(tmp_path / "kinds.npy"))
        assert np.array_equal(data.test.inputs, PIXELS[data.test.rows] / 255)
        assert np.array_equal(data.test.targets, LABELS[data.test.rows])

    @pytest.mark.parametrize("last", [False, True])
    def test_matlab(self, tmp_path, last):
        from scipy.io import savemat

        pictures = PIXELS.reshape(-1, 6, 6)
        held = np.moveaxis(pictures, 0, -1) if last else pictures
        savemat(tmp_path / "a.mat", {"X": held, "y": LABELS[:, None] + 1})
        data = lw.load(tmp_path / "a.mat")
        assert np.array_equal(data.test.inputs, pictures[data.test.rows])
        assert data.class_names == ("1", "2", "3")

    @pytest.mark.parametrize(
        ("arrays", "line"),
        [
            ({"a": PIXELS}, "holds 'a' .60, 36., no two of which"),
            ({"a": PIXELS, "b": LABELS, "c": LABELS}, "several may be inputs or lab"),
        ],
    )
    def test_what_cannot_be_told_apart(self, tmp_path, arrays, line):
        from scipy.io import savemat

        np.savez(tmp_path / "a.npz", **arrays)
        savemat(tmp_path / "a.mat", arrays)
        for name in ("a.npz", "a.mat"):
            with pytest.raises(InputError, match=line):
                lw.load(tmp_path / name)
