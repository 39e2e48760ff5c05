"""Exit statuses; 2 and 4 are those of ``InputError`` and ``MachineError``."""

__all__ = ["DIVERGED", "DONE", "FAILED", "INTERRUPTED"]

DONE, FAILED, DIVERGED, INTERRUPTED = 0, 1, 3, 130
