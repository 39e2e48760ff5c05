"""Which labels look wrong."""

from layerwise.study.labels._out_of_fold import LabelEvidence, neighbour_votes
from layerwise.study.labels._suspects import (
    out_of_fold_evidence,
    ranked,
    suspects,
    suspects_csv,
)

__all__ = [
    "LabelEvidence",
    "neighbour_votes",
    "out_of_fold_evidence",
    "ranked",
    "suspects",
    "suspects_csv",
]
