"""Registrations: create, find, change, reset; reads may see a change late."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from lti_sandbox.practice_scorm_cloud import courses, settings
from lti_sandbox.practice_scorm_cloud.announcements import announce_change
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError, no_registration
from lti_sandbox.practice_scorm_cloud.results import Document, new_result
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.times import stamp

LEARNER_KEYS = ("id", "email", "firstName", "lastName")


@dataclass(frozen=True)
class Registration:
    """One registration: its facts, its newest instances, and those visible to reads."""

    facts: Document
    results: list[Document]
    seen: list[Document]

    @property
    def newest(self) -> Document:
        """The instance that launches and commits act on."""
        return self.results[-1]


def show_pending(cloud: Cloud) -> None:
    """Make visible every change whose lag is over."""
    due = cloud.store.all(
        "SELECT * FROM pending WHERE visible_at <= ? ORDER BY number", cloud.now().timestamp()
    )
    for row in due:
        with cloud.store.transaction():
            # A newer change, or a reset, may have replaced this one.
            if cloud.store.run(
                "DELETE FROM pending WHERE registration = ? AND number <= ?",
                row["registration"],
                row["number"],
            ):
                _set_seen(cloud, row["registration"], row["seen"], row["updated"])


def get_row(cloud: Cloud, registration_id: str) -> Row:
    """Return a registration's row as reads may see it now; ApiError 404."""
    show_pending(cloud)
    row = cloud.store.one("SELECT * FROM registration WHERE id = ?", registration_id)
    if row is None:
        raise no_registration(registration_id)
    return row


def get_registration(cloud: Cloud, registration_id: str) -> Registration:
    """Return a registration; ApiError 404."""
    return registration_of(get_row(cloud, registration_id))


def registration_of(row: Row) -> Registration:
    """Read a row."""
    return Registration(load(row["facts"]), load(row["results"]), load(row["seen"]))


def create(cloud: Cloud, body: Document, course_version: int | None) -> None:
    """Create a registration from a CreateRegistrationSchema.

    ApiError 400 when a required value is missing or the id exists (nothing is changed then,
    unless the fault `duplicate_registration` says reset); 404 for an unknown course.
    """
    registration_id = _required(body, "registrationId", "registrationId")
    try:
        with cloud.store.transaction():
            _create(cloud, registration_id, body, course_version)
    except ApiError:
        _count_post(cloud, registration_id, "refused")
        raise
    _count_post(cloud, registration_id, "accepted")


def change_result(
    cloud: Cloud,
    registration_id: str,
    change: Callable[[Document, str], None],
    *,
    instance: int | None = None,
    announce: bool = True,
) -> Document:
    """Change the newest (or a named) instance as the player does, and return it.

    `change(result, moment)` edits the document. Reads see it after `result_lag_seconds`; the
    postback goes out then too, or at once under `postback_early`. ApiError 404 when the
    registration or the instance is gone.
    """
    lag = cloud.control.faults.result_lag_seconds
    with cloud.store.transaction():
        registration = get_registration(cloud, registration_id)
        found = [one for one in registration.results if instance in (None, one["instance"])]
        if not found:
            raise no_registration(registration_id)
        result = found[-1]
        moment = stamp(cloud.now())
        change(result, moment)
        result["updated"] = moment
        text = dump(registration.results)
        cloud.store.run("UPDATE registration SET results = ? WHERE id = ?", text, registration_id)
        if lag:
            cloud.store.run(
                "INSERT INTO pending (registration, visible_at, updated, seen) VALUES (?, ?, ?, ?)",
                *(registration_id, cloud.now().timestamp() + lag, moment, text),
            )
        else:
            cloud.store.run("DELETE FROM pending WHERE registration = ?", registration_id)
            _set_seen(cloud, registration_id, text, moment)
    if announce and result is registration.newest:
        announce_change(cloud, registration.facts, result, lag)
    return result


def replace_results(cloud: Cloud, registration_id: str, results: list[Document]) -> None:
    """Set all instances at once, visible at once: a reset, a new instance, a deleted one."""
    text, moment = dump(results), results[-1]["updated"]
    with cloud.store.transaction():
        cloud.store.run("DELETE FROM pending WHERE registration = ?", registration_id)
        cloud.store.run("UPDATE registration SET results = ? WHERE id = ?", text, registration_id)
        _set_seen(cloud, registration_id, text, moment)


def reset(cloud: Cloud, registration_id: str) -> None:
    """Wipe progress and launch history, and move to the newest version of the course."""
    registration = get_registration(cloud, registration_id)
    course = courses.get_course(cloud, registration.facts["course_id"])
    replace_results(cloud, registration_id, [new_result(0, stamp(cloud.now()), course)])


def add_instance(cloud: Cloud, registration_id: str) -> None:
    """Begin a fresh attempt under the next instance number."""
    registration = get_registration(cloud, registration_id)
    course = courses.get_course(cloud, registration.facts["course_id"])
    fresh = new_result(registration.newest["instance"] + 1, stamp(cloud.now()), course)
    replace_results(cloud, registration_id, [*registration.results, fresh])


def delete(cloud: Cloud, registration_id: str) -> None:
    """Remove a registration with all instances; ApiError 404."""
    with cloud.store.transaction():
        get_row(cloud, registration_id)
        cloud.store.run("DELETE FROM registration WHERE id = ?", registration_id)
        cloud.store.run("DELETE FROM pending WHERE registration = ?", registration_id)
        cloud.store.run("DELETE FROM link WHERE registration_id = ?", registration_id)


def change_facts(cloud: Cloud, registration_id: str, change: Callable[[Document], None]) -> None:
    """Change what is not a result (learner, tags), visible at once; ApiError 404."""
    with cloud.store.transaction():
        facts = get_registration(cloud, registration_id).facts
        change(facts)
        cloud.store.run(
            "UPDATE registration SET facts = ?, learner_id = ? WHERE id = ?",
            *(dump(facts), facts["learner"]["id"], registration_id),
        )


def _create(cloud: Cloud, registration_id: str, body: Document, course_version: int | None) -> None:
    course_id = _required(body, "courseId", "courseId")
    learner = body.get("learner")
    learner_id = _required(learner if isinstance(learner, dict) else {}, "id", "learner.id")
    exists = cloud.store.one("SELECT 1 FROM registration WHERE id = ?", registration_id)
    if exists and cloud.control.faults.duplicate_registration == "reject":
        raise ApiError(400, f"Registration with id [{registration_id}] already exists")
    course = courses.get_course(cloud, course_id, course_version)
    if exists:
        delete(cloud, registration_id)
    moment = stamp(cloud.now())
    facts = _facts(registration_id, body)
    results = dump([_seeded(new_result(0, moment, course), body.get("initialRegistrationState"))])
    cloud.store.run(
        "INSERT INTO registration"
        " (id, course_id, learner_id, created, updated, facts, results, seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(registration_id, course_id, learner_id, moment, moment, dump(facts), results, results),
    )
    if isinstance(body.get("initialSettings"), dict):
        scope = settings.registration_scope(registration_id)
        settings.set_settings(cloud, scope, body["initialSettings"])


def _facts(registration_id: str, body: Document) -> Document:
    learner = {key: body["learner"][key] for key in LEARNER_KEYS if body["learner"].get(key)}
    return {
        "id": registration_id,
        "course_id": body["courseId"],
        "xapiRegistrationId": body.get("xapiRegistrationId") or str(uuid.uuid4()),
        "learner": learner,
        "tags": list(body.get("registrationTags") or []),
        "postBack": body.get("postBack"),
    }


def _seeded(result: Document, state: Any) -> Document:
    if isinstance(state, dict):
        result["completion"] = state.get("registrationCompletion") or "UNKNOWN"
        result["success"] = state.get("registrationSuccess") or "UNKNOWN"
        result["seconds"] = float(state.get("totalSecondsTracked") or 0)
        if isinstance(state.get("score"), dict):
            result["scaled"] = state["score"].get("scaled")
    return result


def _required(body: Document, key: str, name: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"{name} is required")
    if len(value) > 255:
        raise ApiError(400, f"{name} is longer than 255 characters")
    return value


def _count_post(cloud: Cloud, registration_id: str, outcome: str) -> None:
    cloud.store.run(
        f"INSERT INTO post (id, {outcome}) VALUES (?, 1)"
        f" ON CONFLICT (id) DO UPDATE SET {outcome} = {outcome} + 1",
        registration_id,
    )


def _set_seen(cloud: Cloud, registration_id: str, text: str, moment: str) -> None:
    if cloud.control.faults.stale_lists:
        for row in cloud.store.all("SELECT seen FROM registration WHERE id = ?", registration_id):
            cloud.listed[registration_id] = row["seen"]
    cloud.store.run(
        "UPDATE registration SET seen = ?, updated = ? WHERE id = ?", text, moment, registration_id
    )
