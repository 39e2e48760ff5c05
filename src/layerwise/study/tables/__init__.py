"""What a network makes of a table: the columns it leans on, and where it is weak."""

from layerwise.study.tables._importance import PERMUTATIONS, SHUFFLED, importance_of
from layerwise.study.tables._weak import MOST, weak_spots

__all__ = ["MOST", "PERMUTATIONS", "SHUFFLED", "importance_of", "weak_spots"]
