"""What a network makes of a table: the columns it leans on, and where it is weak."""

from layerwise.study.tables._importance import importance_of
from layerwise.study.tables._weak import weak_spots

__all__ = ["importance_of", "weak_spots"]
