"""Tables as files for a spreadsheet."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

from .pages import with_headers

# A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """Return text that no spreadsheet runs as a formula: an apostrophe goes before it."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV file (RFC 4180); what people wrote is to be made `harmless` before."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(headings)
    sheet.writerows(rows)
    return text.getvalue()


def send_csv(text: str, name: str) -> Response:
    """Answer with such a file, under the name that a browser saves it by."""
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    data = codecs.BOM_UTF8 + text.encode("utf-8", "replace")
    response = Response(data, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return with_headers(response)
