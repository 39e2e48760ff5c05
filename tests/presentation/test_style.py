"""Colours that can be told apart, and a style that leaves no trace."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from layerwise.presentation import class_colours
from layerwise.presentation.figures import projection
from layerwise.presentation.figures._style import badge, written

# Machado, Oliveira and Fernandes (2009), table 1, severity 1; on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear_rgb(colours) -> np.ndarray:
    curved = np.array([[*bytes.fromhex(colour[1:])] for colour in colours]) / 255
    return np.where(
        curved <= 0.04045, curved / 12.92, ((curved + 0.055) / 1.055) ** 2.4
    )


def oklab(linear: np.ndarray) -> np.ndarray:
    cone = (
        linear
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        np.cbrt(np.clip(cone, 0, None))
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def closest(lab: np.ndarray) -> float:
    distances = np.linalg.norm(lab[:, None] - lab, axis=2)
    return distances[np.triu_indices(len(lab), 1)].min()


@pytest.mark.parametrize("vision", VISION)
def test_ten_classes_can_be_told_apart(vision):
    seen = linear_rgb(class_colours(10)) @ np.array(VISION[vision]).T
    assert closest(oklab(seen)) > (0.17 if vision == "normal" else 0.095)


@pytest.mark.parametrize("classes", [11, 26, 47])
def test_more_classes_have_colours_of_their_own(classes):
    colours = class_colours(classes)
    assert len(colours) == classes
    assert closest(oklab(linear_rgb(colours))) > 0.7 / classes


def test_many_colours_are_evenly_spread_over_the_hues():
    lab = oklab(linear_rgb(class_colours(24)))
    lightness = lab[:, 0]
    np.testing.assert_allclose(lightness, np.resize([0.55, 0.72, 0.42], 24), atol=0.03)
    turns = np.unwrap(np.arctan2(lab[:, 2], lab[:, 1]))
    assert np.all(np.diff(turns) > 0.1)


def contrast(one: str, other: str) -> float:
    first, second = linear_rgb([one, other]) @ [0.2126, 0.7152, 0.0722] + 0.05
    return max(first, second) / min(first, second)


@pytest.mark.parametrize("classes", [10, 26, 47])
def test_a_name_can_be_read_on_its_classs_colour(classes):
    for colour in class_colours(classes):
        drawn = badge(colour)
        assert drawn["bbox"]["facecolor"] == colour
        written = "#ffffff" if drawn["color"] == "white" else drawn["color"]
        assert contrast(written, colour) > 3.9


def test_the_users_settings_stay(iris):
    settings = dict(mpl.rcParams)
    written(projection(iris.input_study))
    assert dict(mpl.rcParams) == settings


def test_png_has_the_figures_size():
    content = written(Figure(figsize=(2, 1)))
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[16:20]) == 300
    assert int.from_bytes(content[20:24]) == 150


def test_the_door_loads_nothing_heavy():
    heavy = "{'matplotlib', 'jinja2', 'rich', 'PIL', 'torch', 'pandas'}"
    code = f"import sys, layerwise.presentation; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_figures_do_without_pyplot():
    code = (
        "import sys, layerwise as lw\n"
        "data = lw.load('iris')\n"
        "lw.plot.training(lw.fit(lw.MLP([]), data, epochs=1, engine='eager'))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
