"""What the things in a sheet are, and how each is run: its parts."""

from layerwise.sheets.recognising._building import can_be_built
from layerwise.sheets.recognising._layers import LayerPart, UpdatePart, rate_of
from layerwise.sheets.recognising._losses import (
    as_rows,
    binary_entropy,
    entropy,
    logits_entropy,
    squares,
)
from layerwise.sheets.recognising._parts import (
    CURRENT,
    Builder,
    BuiltPart,
    Case,
    Claims,
    Context,
    Part,
    method_names,
)
from layerwise.sheets.recognising._recognise import (
    KINDS,
    Kind,
    Unread,
    can_be,
    is_own_form,
    kind_of,
    own_forms,
    own_things,
    parts_of,
    recognised,
    refused,
)

__all__ = [
    "CURRENT",
    "KINDS",
    "Builder",
    "BuiltPart",
    "Case",
    "Claims",
    "Context",
    "Kind",
    "LayerPart",
    "Part",
    "Unread",
    "UpdatePart",
    "as_rows",
    "binary_entropy",
    "can_be",
    "can_be_built",
    "entropy",
    "is_own_form",
    "kind_of",
    "logits_entropy",
    "method_names",
    "own_forms",
    "own_things",
    "parts_of",
    "rate_of",
    "recognised",
    "refused",
    "squares",
]
