"""Arrays and pictures of a page: each in an element of its own, as base64."""

import base64
import io
import zlib
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

Json: TypeAlias = Any
"""JSON's types, as ``web/src/payload.ts`` names them."""

SIDE = 32
"""Pictures that are larger are shown smaller: whole pixels are averaged."""

PER_ROW, PER_SHEET = 32, 1024
"""Pictures beside each other, and in a sheet: decoding one takes some milliseconds."""

GREYS = 16
"""Levels of a grey picture: 10,000 digits are 1 MB."""

QUALITY = 80
"""Of coloured sheets, as JPEG."""

INK = 0.25
"""Grey pictures of which the median is below this share of their range are ink."""

FULL = 32767
"""A coordinate's largest value."""


@dataclass(frozen=True)
class Payload:
    """All that a page shows: its content is ``Payload`` in ``web/src/payload.ts``.

    The blocks are base64 of arrays, little-endian, and of pictures, by the id of their
    element.
    """

    title: str
    content: Json
    blocks: dict[str, str] = field(default_factory=dict)


@dataclass
class Blocks:
    """The arrays and sheets of one page, in the making."""

    texts: dict[str, str] = field(default_factory=dict)

    def array(
        self, name: str, array: Shaped[np.ndarray, "..."], dtype: str | None = None
    ) -> Json:
        """Add an array, by default of its own dtype; return what refers to it."""
        found = np.asarray(array, dtype)
        block = self._add(name, found.astype(found.dtype.newbyteorder("<")).tobytes())
        return {"block": block, "dtype": found.dtype.name, "shape": [*found.shape]}

    def classes(self, name: str, indices: Int[np.ndarray, "..."], count: int) -> Json:
        """Add class indices, in as few bytes as hold them."""
        return self.array(name, indices, "uint8" if count <= 256 else "int16")

    def pictures(self, name: str, items: Shaped[np.ndarray, "samples ..."]) -> Json:
        """Add sheets of pictures; return what refers to them."""
        pictures, is_ink = _as_bytes(items)
        height, width = pictures.shape[1:3]
        sheets = [
            self._add(name, _sheet(pictures[start : start + PER_SHEET]))
            for start in range(0, len(pictures), PER_SHEET)
        ]
        return {
            "width": width,
            "height": height,
            "perRow": PER_ROW,
            "perSheet": PER_SHEET,
            "sheets": sheets,
            "ink": is_ink,
        }

    def _add(self, name: str, content: bytes) -> str:
        block = f"{name}-{len(self.texts)}"
        self.texts[block] = base64.b64encode(content).decode()
        return block


def _as_bytes(
    items: Shaped[np.ndarray, "samples ..."],
) -> tuple[UInt8[np.ndarray, "samples height width channels"], bool]:
    """Return small pictures with one or three channels, and whether they are ink."""
    pictures = items[..., None] if items.ndim == 3 else items
    step = -(-max(pictures.shape[1:3]) // SIDE)
    if step > 1:
        samples, height, width, channels = pictures.shape
        rows, columns = height // step, width // step
        pictures = pictures[:, : rows * step, : columns * step].reshape(
            samples, rows, step, columns, step, channels
        )
        pictures = pictures.mean(axis=(2, 4))
    low, high = (float(end) for end in (pictures.min(), pictures.max()))
    scaled = (pictures.astype(np.float32) - low) * (255 / ((high - low) or 1))
    return np.rint(scaled).astype(np.uint8), pictures.shape[-1] == 1 and is_ink(scaled)


def is_ink(pictures: Shaped[np.ndarray, "samples ..."]) -> bool:
    """Return whether grey pictures are mostly dark, as handwriting is: ink on paper."""
    low, high = float(pictures.min()), float(pictures.max())
    return float(np.median(pictures)) - low < INK * ((high - low) or 1)


def _sheet(pictures: UInt8[np.ndarray, "samples height width channels"]) -> bytes:
    """Return pictures beside each other: PNG of grey ones, JPEG of coloured ones."""
    from PIL import Image

    samples, height, width, channels = pictures.shape
    rows = -(-samples // PER_ROW)
    cells = np.zeros((rows * PER_ROW, height, width, channels), np.uint8)
    cells[:samples] = pictures
    sheet = cells.reshape(rows, PER_ROW, height, width, channels).transpose(
        0, 2, 1, 3, 4
    )
    sheet = sheet.reshape(rows * height, PER_ROW * width, channels)
    file = io.BytesIO()
    if channels == 3:
        Image.fromarray(sheet).save(file, "JPEG", quality=QUALITY)
        return file.getvalue()
    image = Image.fromarray(sheet[..., 0] // (256 // GREYS), "P")
    greys = np.linspace(0, 255, GREYS).astype(np.uint8)
    image.putpalette(np.repeat(greys, 3).tobytes())
    # Runs are what there is to find: as small as by zlib's search, in a quarter of it.
    image.save(file, "PNG", bits=4, compress_type=zlib.Z_RLE)
    return file.getvalue()


@dataclass(frozen=True)
class Square:
    """What is drawn of a plane, the same for all its snapshots: half is of a side."""

    centre: Float[np.ndarray, " 2"]
    half: float

    @classmethod
    def around(cls, *planes: Float[np.ndarray, "_ 2"]) -> "Square":
        """Return the smallest square that holds all points."""
        low = np.min([plane.min(axis=0) for plane in planes], axis=0).astype(float)
        high = np.max([plane.max(axis=0) for plane in planes], axis=0).astype(float)
        return cls((low + high) / 2, float((high - low).max()) / 2 or 1.0)

    def whole(self, plane: Float[np.ndarray, "samples 2"]) -> Int[np.ndarray, "_ 2"]:
        """Return points in whole numbers, the sides at ±`FULL`."""
        places = np.clip((plane - self.centre) / self.half, -1, 1)
        return np.rint(places * FULL).astype(np.int16)
