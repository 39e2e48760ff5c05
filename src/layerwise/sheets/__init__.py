"""Exercise sheets that mark themselves: read as they are, with no help from them."""

from layerwise.sheets._folder import Limits, Row, marked_folder, sheets_in, write_csv
from layerwise.sheets._gradcheck import checked_sheet, gradcheck, own_names
from layerwise.sheets._marks import Fault, Mark, Marks
from layerwise.sheets.reading import Sheet, read_sheet, sheet_around
from layerwise.sheets.recognising import KINDS, Kind, is_own_form
from layerwise.sheets.slips import SLIPS

__all__ = [
    "KINDS",
    "SLIPS",
    "Fault",
    "Kind",
    "Limits",
    "Mark",
    "Marks",
    "Row",
    "Sheet",
    "checked_sheet",
    "gradcheck",
    "is_own_form",
    "marked_folder",
    "own_names",
    "read_sheet",
    "sheet_around",
    "sheets_in",
    "write_csv",
]
