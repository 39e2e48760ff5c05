"""Folders of pictures: one sub-folder for each class, perhaps under train and test."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from layerwise.data._pictures import ENDINGS, Pictures
from layerwise.data.labelled import Labelled
from layerwise.errors import InputError
from layerwise.wording import count, listed

SETS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test",),
}
"""What the folders of the three sets may be called."""


def has_pictures(folder: Path) -> bool:
    """Return whether a folder has sub-folders with pictures, or such of sets."""
    below = _folders(folder)
    return any(map(pictures_in, below)) or any(
        any(map(pictures_in, _folders(part))) for part in below
    )


def pictures_in(path: Path) -> list[Path]:
    """Return a picture's file, or those that lie in a folder itself."""
    there = sorted(path.iterdir()) if path.is_dir() else [path]
    return [one for one in there if _is_picture(one)]


def read_pictures(folder: Path, size: tuple[int, ...] | None = None) -> Labelled:
    """Read the pictures of a folder: the names of the sub-folders are the classes.

    There is a sub-folder for each class; or there are train, and perhaps validation and
    test, that have them. Pictures are brought to ``size``, (height, width), or to the
    median of the training pictures.
    """
    parts = _sets(folder)
    classes = sorted(one.name for one in _folders(parts["train"]) if any(one.iterdir()))
    place = {name: number for number, name in enumerate(classes)}
    found: dict[str, Labelled] = {}
    passed: list[str] = []
    for part, inside in parts.items():
        paths: list[Path] = []
        labels: list[int] = []
        for one in _folders(inside):
            own = pictures_in(one)
            passed += [path.name for path in _others(one)]
            if own and one.name not in place:
                raise InputError(
                    f"{one}: the training pictures have no class {one.name!r}, but "
                    f"{listed([repr(name) for name in classes[:5]])}: rename the folder"
                )
            paths += own
            labels += [place[one.name]] * len(own) if own else []
        if not paths:
            raise InputError(
                f"{inside}: has no pictures in sub-folders: give one sub-folder for "
                "each class"
            )
        found[part] = Labelled(
            str(folder),
            Pictures.opened(paths, str(folder), size),
            np.array(labels, np.int32),
            files=tuple((str(file.relative_to(folder)), 1) for file in paths),
        )
    empty = [name for name in classes if place[name] not in found["train"].labels]
    if empty:
        raise InputError(
            f"{parts['train'] / empty[0]}: has no pictures: fill or remove the folder"
        )
    notes = (
        (f"Passed over, as no pictures: {listed(passed[:3])}"
         f"{', …' if len(passed) > 3 else ''} ({count(len(passed))} in all).",)
        if passed
        else ()
    )  # fmt: skip
    train = found.pop("train")
    return replace(train, apart=found, class_names=tuple(classes), notes=notes)


def _sets(folder: Path) -> dict[str, Path]:
    """Return the folder of each set; the whole one where there are none."""
    by_name = {one.name.lower(): one for one in _folders(folder)}
    parts = {
        part: by_name[name]
        for part, names in SETS.items()
        for name in names
        if name in by_name and not pictures_in(by_name[name])
    }
    if not parts:
        return {"train": folder}
    if "train" not in parts:
        raise InputError(
            f"{folder}: has {listed(sorted(parts))} but no train folder: give one"
        )
    return parts


def _folders(folder: Path) -> list[Path]:
    return sorted(
        one for one in folder.iterdir() if one.is_dir() and one.name[:1] not in "._"
    )


def _others(folder: Path) -> list[Path]:
    """Return the files that are no pictures and are not hidden."""
    files = (one for one in sorted(folder.iterdir()) if one.is_file())
    return [one for one in files if not _is_picture(one) and one.name[0] != "."]


def _is_picture(path: Path) -> bool:
    """Return whether a name, unless it is hidden, ends as those of pictures do."""
    return path.suffix.lower() in ENDINGS and path.name[0] != "."
