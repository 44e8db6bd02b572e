"""CSV files for spreadsheets."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

from .pages import with_headers

# Spreadsheets evaluate a cell that begins with one of these as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """Return a cell's text with a leading apostrophe where it would be a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV file (RFC 4180); text of users must be made `harmless` before."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(headings)
    sheet.writerows(rows)
    return text.getvalue()


def send_csv(text: str, name: str) -> Response:
    """Return a response that downloads a CSV file under this name."""
    # The byte order mark tells spreadsheets that the file is UTF-8.
    data = codecs.BOM_UTF8 + text.encode("utf-8", "replace")
    response = Response(data, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return with_headers(response)
