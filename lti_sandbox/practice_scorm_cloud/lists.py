"""Paged lists: an opaque `more` contains the first call's filters and the last position."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from flask import request

from lti_sandbox.practice_scorm_cloud import courses, registrations
from lti_sandbox.practice_scorm_cloud.asking import detail, flag, words
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document, registration_json
from lti_sandbox.practice_scorm_cloud.store import load
from lti_sandbox.practice_scorm_cloud.times import parse_filter

DATES = ("created", "updated")
FILTERS = {"registration_id": "id", "course_id": "course_id", "learner_id": "learner_id"}


@dataclass(frozen=True)
class Page:
    """One page of a list; `total` is counted on the first page, when asked for."""

    body: Document
    total: int | None


def registration_page(cloud: Cloud, more: str | None) -> Page:
    """Return the page of registrations that the request asks for; ApiError 400 for bad filters."""
    registrations.show_pending(cloud)
    query = _read_token(more) if more else _registration_query()
    where, values = _conditions(query)
    total = None
    if not more and flag("includeTotalCount"):
        total = cloud.store.count(f"SELECT COUNT(*) FROM registration WHERE {where}", *values)
    rows = _rows(cloud, query, where, values)
    page, rest = rows[: cloud.page_size], rows[cloud.page_size :]
    shown = [_shown(cloud, row) for row in page]
    body: Document = {"registrations": shown}
    if rest:
        last = page[-1]
        column = query["order"].rpartition("_")[0]
        body["more"] = _token({**query, "after": [last[column], last["number"]]})
    return Page(body, total)


def course_page(cloud: Cloud, more: str | None) -> Page:
    """Return the page of courses that the request asks for; ApiError 400 for bad filters."""
    query = _read_token(more) if more else _course_query()
    found = [course for course in courses.newest_courses(cloud) if _course_fits(course, query)]
    column, _, direction = query["order"].rpartition("_")
    found.sort(key=lambda course: (course[column], course["id"]), reverse=direction == "desc")
    start = query.get("start", 0)
    page = found[start : start + cloud.page_size]
    count, metadata = flag("includeRegistrationCount"), flag("includeCourseMetadata")
    body: Document = {
        "courses": [
            courses.course_json(cloud, course, count=count, metadata=metadata) for course in page
        ]
    }
    if len(found) > start + cloud.page_size:
        body["more"] = _token({**query, "start": start + cloud.page_size})
    return Page(body, len(found) if not more and flag("includeTotalCount") else None)


def _registration_query() -> Document:
    given = request.args
    return {
        # Unlike the list of courses, this one filters by creation by default.
        "date": _choice("datetimeFilter", DATES, "created"),
        "since": parse_filter("since", given.get("since")),
        "until": parse_filter("until", given.get("until")),
        "course_id": given.get("courseId"),
        "learner_id": given.get("learnerId"),
        "tags": words("tags"),
        "filter": given.get("filter"),
        "filter_by": _choice("filterBy", tuple(FILTERS), "registration_id"),
        "order": _order(),
    }


def _course_query() -> Document:
    return {
        "date": _choice("datetimeFilter", DATES, "updated"),
        "since": parse_filter("since", request.args.get("since")),
        "until": parse_filter("until", request.args.get("until")),
        "tags": words("tags"),
        "filter": request.args.get("filter"),
        "filter_by": _choice("filterBy", ("course_id", "title"), "course_id"),
        "order": _order(),
    }


def _choice(name: str, known: tuple[str, ...], default: str) -> str:
    value = (request.args.get(name) or default).lower()
    if value not in known:
        raise ApiError(400, f"{name} is one of {', '.join(known)}.")
    return value


def _order() -> str:
    return _choice(
        "orderBy", ("created_desc", "created_asc", "updated_desc", "updated_asc"), "created_desc"
    )


def _course_fits(course: Document, query: Document) -> bool:
    moment = course[query["date"]]
    key = "id" if query["filter_by"] == "course_id" else "title"
    return bool(
        (not query["since"] or moment >= query["since"])
        and (not query["until"] or moment <= query["until"])
        and (not query["tags"] or set(query["tags"]) & set(course["tags"]))
        and (not query["filter"] or query["filter"].lower() in course[key].lower())
    )


def _conditions(query: Document) -> tuple[str, list[Any]]:
    parts: list[tuple[str, Any]] = []
    for sql, value in (
        (f"{query['date']} >= ?", query["since"]),
        (f"{query['date']} <= ?", query["until"]),
        ("course_id = ?", query["course_id"]),
        ("learner_id = ?", query["learner_id"]),
        (f"instr(lower({FILTERS[query['filter_by']]}), lower(?)) > 0", query["filter"]),
    ):
        if value:
            parts.append((sql, value))
    for tag in query["tags"]:
        tagged = "EXISTS (SELECT 1 FROM json_each(facts, '$.tags') WHERE value = ?)"
        parts.append((tagged, tag))
    where = " AND ".join(sql for sql, _ in parts) or "1"
    return where, [value for _, value in parts]


def _rows(cloud: Cloud, query: Document, where: str, values: list[Any]) -> list[Any]:
    column, _, direction = query["order"].rpartition("_")
    values = list(values)
    if "after" in query:
        sign = "<" if direction == "desc" else ">"
        where += f" AND ({column}, number) {sign} (?, ?)"
        values += query["after"]
    sql = (
        f"SELECT * FROM registration INDEXED BY registration_{column} WHERE {where}"
        f" ORDER BY {column} {direction}, number {direction} LIMIT ?"
    )
    if query["course_id"] or query["learner_id"]:
        sql = sql.replace(f" INDEXED BY registration_{column}", "")
    return cloud.store.all(sql, *values, cloud.page_size + 1)


def _shown(cloud: Cloud, row: Any) -> Document:
    """Return an entry; under the fault `stale_lists` as it was before its newest change."""
    registration = registrations.registration_of(row)
    seen = registration.seen
    if cloud.control.faults.stale_lists:
        seen = load(cloud.listed[row["id"]]) if row["id"] in cloud.listed else seen
    return registration_json(registration.facts, seen[-1], detail())


def _token(query: Document) -> str:
    return base64.urlsafe_b64encode(json.dumps(query).encode()).decode().rstrip("=")


def _read_token(more: str) -> Document:
    try:
        query: Document = json.loads(base64.urlsafe_b64decode(more + "=" * (-len(more) % 4)))
        if query["order"].rpartition("_")[0] in DATES and query["date"] in DATES:
            return query
    except (ValueError, binascii.Error, KeyError, TypeError, AttributeError):
        pass
    raise ApiError(400, "The value of more is not one that this list has given.")
