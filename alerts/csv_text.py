"""Lines of CSV (RFC 4180) that a spreadsheet opens as data, whatever is in them.

Pure. A cell of text that begins as a formula would (`=`, `+`, `-`, `@`, tab, carriage return) gets
an apostrophe in front, as OWASP's "CSV Injection" advises: ids and models are words that others
chose. Numbers are left as they are, negative ones too.
"""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Final

Cell = str | int | float | bool | None

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def line(cells: Sequence[Cell]) -> str:
    """One line with its end. Nothing is an empty cell, truth is `true` or `false`."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_plain(cell) for cell in cells])
    return text.getvalue()


def _plain(cell: Cell) -> str | int | float:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str() if cell.startswith(_FORMULA):
            return f"'{cell}"
        case _:
            return cell
