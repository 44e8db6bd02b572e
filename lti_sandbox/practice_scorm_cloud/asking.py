"""Parsing of requests, as lenient as the real service: capital booleans, empty bodies."""

import json
from typing import Any

from flask import request

from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Detail, Document


def json_body() -> Document:
    """Return the JSON object of the body, {} when there is none; ApiError 400 for anything else."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise ApiError(400, "The body is not valid JSON.") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not a JSON object.")
    return body


def flag(name: str) -> bool:
    """Return a boolean of the query, false when absent: `true`, `True` and `1` are true."""
    return request.args.get(name, "").lower() in ("true", "1")


def whole_number(name: str) -> int | None:
    """Return an integer of the query, or None; ApiError 400 when it is no integer."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ApiError(400, f"{name} is not a whole number.") from None


def words(name: str) -> list[str]:
    """Return a comma-separated list of the query."""
    return [word for word in request.args.get(name, "").split(",") if word]


def detail() -> Detail:
    """Return how much of a result the query asks for."""
    return Detail(
        children=flag("includeChildResults"),
        interactions=flag("includeInteractionsAndObjectives"),
        runtime=flag("includeRuntime"),
    )


def tag_list(body: Document) -> list[str]:
    """Return the tags of a TagListSchema; ApiError 400 when they are not strings."""
    tags: Any = body.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ApiError(400, "tags is required and is a list of strings")
    return tags
