"""Player sessions: begun by a launch link, fed by commits, ended by an exit."""

import secrets
import uuid
from collections.abc import Callable

from lti_sandbox.player.records import begin, note, runtime_of
from lti_sandbox.player.rollup import parse_seconds, roll_up, status_at_finish, write_seconds
from lti_sandbox.practice_scorm_cloud import courses, registrations
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document
from lti_sandbox.practice_scorm_cloud.store import dump, load


def open_session(cloud: Cloud, link: Document) -> str:
    """Begin the session of a link and return its token; a tracked one is a launch."""
    token = secrets.token_urlsafe(24)
    session: Document = {
        "token": token,
        "registration_id": link["registration_id"],
        "course_id": link["course_id"],
        "version": link["version"],
        "redirect": link["redirect"],
        "tracking": link["tracking"],
        "culture": link["culture"],
        "sequence": 0,
        "state": "open",
    }
    if link["tracking"]:
        launch_id = str(uuid.uuid4())
        result = registrations.change_result(
            cloud,
            link["registration_id"],
            lambda result, moment: begin(result, launch_id, moment),
            announce=False,
        )
        session.update(launch_id=launch_id, instance=result["instance"])
    _save(cloud, session)
    return token


def find_session(cloud: Cloud, token: str) -> Document | None:
    """Return a session, ended or not, or None."""
    row = cloud.store.one("SELECT document FROM session WHERE token = ?", token)
    return load(row["document"]) if row else None


def commit(cloud: Cloud, session: Document, message: Document) -> None:
    """Store what the player sent; `exit` in the message ends the session.

    A message older than one already stored is ignored: beacons may overtake each other. ApiError
    404 when the registration is gone, 410 when it was reset meanwhile.
    """
    with cloud.store.transaction():
        newest = find_session(cloud, session["token"]) or session
        sequence = int(message.get("sequence") or 0)
        if sequence <= newest["sequence"] or newest["state"] == "exited":
            return
        newest["sequence"] = sequence
        newest["state"] = message.get("exit") or "open"
        _save(cloud, newest)
        if session["tracking"]:
            course = courses.get_course(cloud, session["course_id"], session["version"])
            registrations.change_result(
                cloud,
                session["registration_id"],
                _committed(course, session["launch_id"], message),
                instance=session["instance"],
            )


def start_values(cloud: Cloud, session: Document) -> Document:
    """Return what the run-time starts from: learner, mode, entry and everything suspended."""
    learner: Document = {"id": "preview"}
    cmi: Document = {}
    seconds = 0.0
    if session["registration_id"]:
        registration = registrations.get_registration(cloud, session["registration_id"])
        learner = registration.facts["learner"]
        if session["tracking"]:
            cmi, seconds = registration.newest["cmi"], registration.newest["seconds"]
    course = courses.get_course(cloud, session["course_id"], session["version"])
    names = (learner.get("lastName"), learner.get("firstName"))
    return {
        "standard": course["standard"],
        "learner_id": learner["id"],
        "learner_name": ", ".join(name for name in names if name),
        "credit": "credit" if session["tracking"] else "no-credit",
        "mode": "normal" if session["tracking"] else "browse",
        "entry": _entry(cmi),
        "total_time": write_seconds(course["standard"], seconds),
        "data": cmi.get("data", {}),
        "sco": course["sco"],
    }


def _committed(
    course: Document, launch_id: str, message: Document
) -> Callable[[Document, str], None]:
    cmi = {str(key): str(value) for key, value in dict(message.get("cmi") or {}).items()}
    if message.get("finished") or message.get("exit"):
        cmi.update(status_at_finish(course["standard"], course["sco"], cmi))
    rolled = roll_up(course["standard"], course["sco"], cmi)

    def change(result: Document, moment: str) -> None:
        found = [launch for launch in result["launches"] if launch["id"] == launch_id]
        if not found:
            raise ApiError(410, "The registration was reset while it was open.")
        result["completion"], result["success"] = rolled.completion, rolled.success
        if rolled.scaled is not None:
            result["scaled"] = rolled.scaled
        result["cmi"] = runtime_of(cmi)
        spoken = cmi.get("cmi.core.session_time") or cmi.get("cmi.session_time")
        seconds = parse_seconds(spoken)
        if seconds is None:
            seconds = float(message.get("seconds") or 0)
        note(result, found[0], seconds, moment, exited=bool(message.get("exit")))

    return change


def _entry(cmi: Document) -> str:
    return str(cmi.get("entry", "ab-initio")) if cmi else "ab-initio"


def _save(cloud: Cloud, session: Document) -> None:
    cloud.store.run(
        "INSERT OR REPLACE INTO session VALUES (?, ?, ?)",
        *(session["token"], session["registration_id"], dump(session)),
    )
