"""The audit log's page, and its entries as a CSV file."""

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...audit.log import AT_ONCE, KINDS, EntryFilter, list_entries
from ...core.db import reading
from ...core.plain_text import one_line
from ...web.csv_files import harmless, send_csv, write_csv
from ..access import Rule, allow
from ..layout import show

blueprint = Blueprint("audit", __name__, url_prefix="/console")
LONGEST_SEARCH = 100
IN_FILE_AT_MOST = 10_000
HEADINGS = ("When (UTC)", "Who", "What", "To what", "Kind")


@blueprint.get("/audit")
@allow(Rule.SIGNED_IN)
def show_log(actor: Actor) -> Response:
    """The entries, newest first."""
    wanted, before = _wanted(), request.args.get("before", type=int)
    with reading():
        entries = list_entries(actor.scope, wanted, before=before, at_most=AT_ONCE + 1)
    more = entries[AT_ONCE - 1].id if len(entries) > AT_ONCE else None
    return show(
        "console/audit/log.html",
        entries=entries[:AT_ONCE],
        more=more,
        before=before,
        wanted=wanted,
        kept=_address(wanted),
        kinds=KINDS,
        in_file=IN_FILE_AT_MOST,
    )


@blueprint.get("/audit/entries.csv")
@allow(Rule.SIGNED_IN)
def download(actor: Actor) -> Response:
    """The entries that the filter finds, as a CSV file."""
    with reading():
        entries = list_entries(actor.scope, _wanted(), at_most=IN_FILE_AT_MOST)
    rows = (
        (
            one.at.strftime("%Y-%m-%d %H:%M:%S"),
            *map(harmless, (one.actor, one.text, one.subject, one.action)),
        )
        for one in entries
    )
    return send_csv(write_csv(HEADINGS, rows), "audit-log.csv")


def _wanted() -> EntryFilter:
    """Return the filter of the query parameters; invalid ones are ignored."""
    kind = request.args.get("kind", "")
    return EntryFilter(
        search=one_line(request.args.get("search", ""))[:LONGEST_SEARCH],
        subject=one_line(request.args.get("subject", "")),
        kind=kind if kind in KINDS else "",
        since=request.args.get("from", type=date.fromisoformat),
        until=request.args.get("to", type=date.fromisoformat),
    )


def _address(wanted: EntryFilter) -> Mapping[str, object]:
    """Return a filter as query parameters, without empty ones."""
    asked = {
        "search": wanted.search,
        "subject": wanted.subject,
        "kind": wanted.kind,
        "from": wanted.since,
        "to": wanted.until,
    }
    return {name: value for name, value in asked.items() if value}
