"""Pictures in files: opened by their headers, decoded when their rows are made."""

import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from layerwise.data._bounded import MAX_BYTES
from layerwise.errors import InputError
from layerwise.wording import count

ENDINGS = (
    ".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm",
)  # fmt: skip
"""Of the names of pictures' files."""

MOST_PIXELS = 1 << 26
"""Of one picture: 64 million, some 200 MB once they are decoded."""

GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F", "La"}
"""Pillow's modes without colour."""

TURNED, ORIENTATION = {5, 6, 7, 8}, 0x0112
"""EXIF's orientations that exchange height and width, and its tag."""

READERS = 4
"""Pictures are opened beside each other: most of the time passes in libraries."""


@dataclass(frozen=True)
class PictureFile:
    """A picture's file, and what its header says.

    Height and width are as it is seen: turned as EXIF says. ``content`` is the file
    itself, where it does not stand by itself.
    """

    path: Path
    height: int
    width: int
    colour: bool
    content: bytes | None = None

    @classmethod
    def opened(cls, path: Path, content: bytes | None = None) -> "PictureFile":
        """Read the header of a picture, which may have `MOST_PIXELS`."""
        from PIL import Image

        try:
            with Image.open(_stream(path, content)) as picture:
                width, height = picture.size
                colour = picture.mode not in GREY and not _grey_palette(picture)
                turned = picture.getexif().get(ORIENTATION) in TURNED
        except Image.DecompressionBombError as error:
            raise _too_large(path) from error
        except Exception as error:
            raise _unreadable(path, error) from error
        if width * height > MOST_PIXELS:
            raise _too_large(path)
        if turned:
            width, height = height, width
        return cls(path, height, width, colour, content)

    def decoded(
        self, shape: tuple[int, ...]
    ) -> UInt8[np.ndarray, "height width *colour"]:
        """Return the picture in bytes, in this shape."""
        from PIL import Image, ImageOps

        try:
            with Image.open(_stream(self.path, self.content)) as opened:
                picture: Any = ImageOps.exif_transpose(opened)
                picture = _flattened(_in_bytes(picture), "RGB" if shape[2:] else "L")
                if picture.size != (shape[1], shape[0]):
                    bilinear = Image.Resampling.BILINEAR
                    picture = picture.resize((shape[1], shape[0]), bilinear)
                return np.asarray(picture)
        except Exception as error:
            raise _unreadable(self.path, error) from error


def _stream(path: Path, content: bytes | None) -> Path | BytesIO:
    return path if content is None else BytesIO(content)


def _grey_palette(picture: Any) -> bool:
    """Return whether a palette has greys alone."""
    if picture.mode != "P" or picture.palette is None:
        return False
    colours = np.array(picture.getpalette() or [0, 0, 0]).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _in_bytes(picture: Any) -> Any:
    """Return a picture of deeper grey in bytes; Pillow would cut it off at 255."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float64)
        most = values.max(initial=0)
        scale = 255 / (65535 if most > 255 else 255)
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    return picture


def _flattened(picture: Any, mode: str) -> Any:
    """Return a picture in that mode, what is transparent on white."""
    from PIL import Image

    if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return picture.convert(mode)


def _unreadable(path: Path, error: Exception) -> InputError:
    said = str(error).partition("\n")[0].replace(f" {str(path)!r}", "")
    return InputError(
        f"{path}: no picture that can be read ({said}): replace or remove it"
    )


def _too_large(path: Path) -> InputError:
    return InputError(
        f"{path}: has more than {count(MOST_PIXELS)} pixels: scale it down, or remove "
        "it"
    )


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that are not decoded yet: inputs in the making.

    They are brought to ``size``, (height, width), or to the median of these.
    """

    files: tuple[PictureFile, ...]
    source: str
    size: tuple[int, ...] | None = None

    @classmethod
    def opened(
        cls,
        paths: Sequence[Path],
        source: str,
        size: tuple[int, ...] | None = None,
        contents: Sequence[bytes] | None = None,
    ) -> "Pictures":
        """Read the headers of pictures, which may take `MAX_BYTES` once decoded."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels: the limit is our own
            with ThreadPoolExecutor(READERS) as pool:
                given = contents or [None] * len(paths)
                files = tuple(pool.map(PictureFile.opened, paths, given))
        pictures = cls(files, source, size)
        height, width = pictures.shape[:2]
        needed = len(files) * int(np.prod(pictures.shape))
        if needed > MAX_BYTES:
            raise InputError(
                f"{source}: {count(len(files))} pictures of {height} × {width} take "
                f"{needed >> 30} GiB, more than {MAX_BYTES >> 30}: give a smaller size "
                "(--size 64x64)"
            )
        return pictures

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Height and width that suit them, and 3 where one of them has colours."""
        heights = [file.height for file in self.files]
        widths = [file.width for file in self.files]
        height, width = self.size or (
            round(float(np.median(heights))),
            round(float(np.median(widths))),
        )
        colour = any(file.colour for file in self.files)
        return (height, width, 3) if colour else (height, width)

    def at(self, positions: Int[np.ndarray, " _"]) -> "Pictures":
        """Return the pictures at these positions."""
        return replace(self, files=tuple(self.files[int(i)] for i in positions))

    def decoded(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return all pictures in that shape."""
        found = np.empty((len(self), *shape), np.uint8)

        def decode(place: int) -> None:
            found[place] = self.files[place].decoded(shape)

        with ThreadPoolExecutor(READERS) as pool:
            for _ in pool.map(decode, range(len(self))):
                pass
        return found

    def said(self, shape: tuple[int, ...]) -> tuple[str, ...]:
        """Say to what pictures of several sizes are brought, and why."""
        sizes = Counter((file.height, file.width) for file in self.files)
        if set(sizes) == {shape[:2]}:
            return ()
        least, greatest = min(sizes), max(sizes)
        why = (
            "as asked" if self.size else "the median of the training pictures (--size)"
        )
        kinds = (
            f"{count(len(sizes))} sizes, {least[0]} × {least[1]} to "
            f"{greatest[0]} × {greatest[1]}"
            if len(sizes) > 1
            else f"the size {least[0]} × {least[1]}"
        )
        return (
            f"The pictures have {kinds}; all are resized to {shape[0]} × {shape[1]}, "
            f"{why}.",
        )
