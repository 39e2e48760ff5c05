"""Labelled data in: built-in sets, files, splits, scaling, order and statistics."""

from layerwise.data._describe import (
    DataStatistics,
    SetStatistics,
    ValueStatistics,
    describe,
)
from layerwise.data._load import load, names
from layerwise.data._order import Order, order
from layerwise.data._records import Dataset, Samples
from layerwise.data._scaling import Scaling, fit_scaling
from layerwise.data._split import stratified_split

__all__ = [
    "DataStatistics",
    "Dataset",
    "Order",
    "Samples",
    "Scaling",
    "SetStatistics",
    "ValueStatistics",
    "describe",
    "fit_scaling",
    "load",
    "names",
    "order",
    "stratified_split",
]
