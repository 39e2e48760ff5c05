"""MATLAB's files, up to version 7: read by SciPy."""

from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import DEFLATE_RATIO, MAX_BYTES, reading
from layerwise.data.formats._npy import paired
from layerwise.data.labelled import Inputs, Labelled, given_sets
from layerwise.errors import InputError


def read_file(path: Path, _stored: bool) -> Labelled:
    """Read the one array of labels of a file, and the one of as many inputs, whole.

    Samples may stand in the first axis or, as MATLAB's pictures do, in the last.
    """
    arrays = _arrays(path)
    shapes = {name: one.shape for name, one in arrays.items()}
    name, label, said = paired(shapes, str(path), either_end=True)
    inputs, labels = arrays[name], arrays[label].ravel()
    if inputs.shape[0] != len(labels):
        inputs = np.moveaxis(inputs, -1, 0)
    return given_sets(str(path), (name, inputs, labels), notes=(said,))


def read_inputs(path: Path) -> Inputs:
    """Return the rows to predict: of an array that is alone, or as `read_file`."""
    arrays = _arrays(path)
    if len(arrays) == 1:
        return Inputs(next(iter(arrays.values())), None, either_end=True)
    labelled = read_file(path, False)
    return Inputs(labelled.inputs, labelled.labels, either_end=True)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of numbers or texts in a file, by their names."""
    from scipy.io import loadmat, whosmat

    with reading(path):
        try:
            there = whosmat(str(path))
            _refuse_large(there, path)
            arrays = loadmat(str(path), variable_names=[name for name, *_ in there])
        except NotImplementedError as error:
            raise InputError(
                f"{path}: MATLAB's version 7.3 is not read: save it with -v7, or as "
                "NPZ from Python (h5py reads it)"
            ) from error
        except InputError:
            raise
        except Exception as error:  # of made-up bytes its parser says many things
            if getattr(error, "errno", None):  # the system's, not the parser's
                raise
            raise InputError(
                f"{path}: not a MATLAB file, or damaged ({error}): save it again"
            ) from error
    found = {name: np.asarray(arrays[name]) for name, *_ in there}
    return {name: one for name, one in found.items() if one.dtype.kind in "biufU"}


def _refuse_large(there: list[Any], path: Path) -> None:
    """Refuse what the file's headers say that it cannot hold, or beyond the limit."""
    most = min(MAX_BYTES, path.stat().st_size * DEFLATE_RATIO)
    for name, shape, _ in there:
        entries = int(np.prod([int(n) for n in shape], dtype=object))
        if entries > most:
            raise InputError(
                f"{path}: {name!r} declares {entries:,} entries, more than the file "
                f"can hold, or than {MAX_BYTES >> 30} GiB: save it again, or in parts"
            )
