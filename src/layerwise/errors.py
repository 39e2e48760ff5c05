"""What can go wrong, by whose fault it is: each kind has its exit status."""

__all__ = ["DamagedError", "InputError", "LayerwiseError", "MachineError"]


class LayerwiseError(Exception):
    """Base of every error that layerwise raises on purpose.

    The message is one line for a user: what is wrong, where, and what to do.
    """

    exit_status = 1


class InputError(LayerwiseError, ValueError):
    """The data, an option or a file is wrong: name the file, row, column or option."""

    exit_status = 2


class DamagedError(InputError):
    """A file of ours is not what was written: another one may still be good."""


class MachineError(LayerwiseError, OSError):
    """The machine failed us: disk full, no permission, no network."""

    exit_status = 4
