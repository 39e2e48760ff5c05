"""What the things in a sheet are, and how each is run: its parts."""

from layerwise.sheets.recognising._building import Builder, can_be_built
from layerwise.sheets.recognising._layers import (
    LayerPart,
    UpdatePart,
    method_names,
    rate_of,
)
from layerwise.sheets.recognising._networks import NetworkPart
from layerwise.sheets.recognising._parts import CURRENT, Case, Claims, Context, Part
from layerwise.sheets.recognising._recognise import (
    KINDS,
    Kind,
    Unread,
    is_own_form,
    kind_of,
    own_forms,
    parts_of,
    recognised,
    refused,
)

__all__ = [
    "CURRENT",
    "KINDS",
    "Builder",
    "Case",
    "Claims",
    "Context",
    "Kind",
    "LayerPart",
    "NetworkPart",
    "Part",
    "Unread",
    "UpdatePart",
    "can_be_built",
    "is_own_form",
    "kind_of",
    "method_names",
    "own_forms",
    "parts_of",
    "rate_of",
    "recognised",
    "refused",
]
