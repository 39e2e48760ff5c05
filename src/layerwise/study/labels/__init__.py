"""Which labels look wrong."""

from layerwise.study.labels._out_of_fold import LabelEvidence, neighbours, votes_of
from layerwise.study.labels._suspects import (
    out_of_fold_evidence,
    ranked,
    suspects,
    suspects_csv,
)

__all__ = [
    "LabelEvidence",
    "neighbours",
    "out_of_fold_evidence",
    "ranked",
    "suspects",
    "suspects_csv",
    "votes_of",
]
