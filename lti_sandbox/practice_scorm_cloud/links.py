"""Launch links: opaque, short-lived, for one registration or a preview."""

import uuid

from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.times import stamp

PATH = "/api/cloud/registration/launch/"
SHORTEST_SECONDS, LONGEST_SECONDS, DEFAULT_SECONDS = 10, 300, 120
AUTH_LIMITS = {"expiry": (300, 31_540_000), "slidingExpiry": (60, 31_540_000)}


def build(cloud: Cloud, body: Document, course: Document, registration_id: str | None) -> str:
    """Build a link from a LaunchLinkRequestSchema and return its id; ApiError 400 if not valid.

    A link without registration is a preview. The link ends `expiry` seconds from now.
    """
    if registration_id is not None and not isinstance(body.get("redirectOnExitUrl"), str):
        raise ApiError(400, "redirectOnExitUrl is required")
    expiry = _expiry(body.get("expiry"))
    _check_auth(body.get("launchAuth"))
    link_id = str(uuid.uuid4())
    document = {
        "id": link_id,
        "registration_id": registration_id,
        "course_id": course["id"],
        "version": course["version"],
        "redirect": body.get("redirectOnExitUrl") or "",
        "tracking": registration_id is not None and body.get("tracking") is not False,
        "culture": body.get("culture"),
        "created": stamp(cloud.now()),
        "expires": cloud.now().timestamp() + expiry,
    }
    cloud.store.run(
        "INSERT INTO link VALUES (?, ?, ?, ?)",
        *(link_id, registration_id, course["id"], dump(document)),
    )
    return link_id


def find(cloud: Cloud, link_id: str) -> Document | None:
    """Return a link, expired or not, or None."""
    row = cloud.store.one("SELECT document FROM link WHERE id = ?", link_id)
    return load(row["document"]) if row else None


def newest_of(cloud: Cloud, registration_id: str) -> tuple[Document | None, int]:
    """Return the newest link built for a registration, and how many were built."""
    rows = cloud.store.all(
        "SELECT document FROM link WHERE registration_id = ? ORDER BY rowid", registration_id
    )
    return (load(rows[-1]["document"]) if rows else None), len(rows)


def _expiry(value: object) -> int:
    if value is None:
        return DEFAULT_SECONDS
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not SHORTEST_SECONDS <= int(str(value)) <= LONGEST_SECONDS:
        raise ApiError(
            400, f"expiry is a whole number from {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds"
        )
    return int(str(value))


def _check_auth(auth: object) -> None:
    if auth is None:
        return
    if not isinstance(auth, dict) or auth.get("type", "cookies") not in ("cookies", "vault"):
        raise ApiError(400, "launchAuth.type is cookies or vault")
    options = auth.get("options") or {}
    if not isinstance(options, dict):
        raise ApiError(400, "launchAuth.options is an object")
    for name, (least, most) in AUTH_LIMITS.items():
        value = options.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            raise ApiError(400, f"launchAuth.options.{name} is from {least} to {most} seconds")
