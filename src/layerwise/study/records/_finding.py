"""What a finding is: a sentence, its numbers, and how sure it is."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing found out, as a sentence with its numbers.

    Parameters
    ----------
    kind : str
        What rule found it; the same for the same rule.
    text : str
        The sentence.
    evidence : dict
        Every number in the sentence, by name.
    certainty : str
        How sure it is: ``counted`` (of all samples or units named), ``measured`` (on
        samples that stand for others, with an interval or a stated sample), or
        ``rule of thumb`` (a threshold that others might set elsewhere).
    """

    kind: str
    text: str
    evidence: dict[str, Any]
    certainty: str = "measured"
