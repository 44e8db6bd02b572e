"""Player sessions: started by a launch link, updated by commits, ended by an exit."""

import secrets
import uuid
from typing import Any

from lti_sandbox.player import attempts, sequencing
from lti_sandbox.player.course_rollup import roll_up_course
from lti_sandbox.player.records import begin, note
from lti_sandbox.player.rollup import parse_seconds, write_seconds
from lti_sandbox.practice_scorm_cloud import courses, registrations, settings
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.manifest import leaves
from lti_sandbox.practice_scorm_cloud.results import Document, new_result, state_of
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.times import stamp

ABANDONS = ("abandon", "abandonAll")
EXITS = (*ABANDONS, "exit", "exitAll", "suspendAll")


def open_session(cloud: Cloud, link: Document) -> str:
    """Begin the session of a link and return its token; a tracked one is a launch."""
    course = courses.get_course(cloud, link["course_id"], link["version"])
    session: Document = {
        "token": secrets.token_urlsafe(24),
        "registration_id": link["registration_id"],
        "course_id": link["course_id"],
        "version": link["version"],
        "redirect": link["redirect"],
        "tracking": link["tracking"],
        "culture": link["culture"],
        "sequence": 0,
        "state": "open",
        "times": {},
        "several": len(list(leaves(course["activities"]))) > 1,
    }
    if not link["tracking"]:
        session["result"] = new_result(0, stamp(cloud.now()), course)
        _deliver(cloud, session, session["result"], sequencing.start(session["result"]))
    else:
        session["launch_id"] = str(uuid.uuid4())

        def launch(result: Document, moment: str) -> None:
            begin(result, session["launch_id"], moment)
            _deliver(cloud, session, result, sequencing.start(result))

        result = registrations.change_result(cloud, link["registration_id"], launch, announce=False)
        session["instance"] = result["instance"]
    _save(cloud, session)
    return str(session["token"])


def find_session(cloud: Cloud, token: str) -> Document | None:
    """Return a session, ended or not, or None."""
    row = cloud.store.one("SELECT document FROM session WHERE token = ?", token)
    return load(row["document"]) if row else None


def commit(cloud: Cloud, session: Document, message: Document) -> Document:
    """Store what the player sent, and return the session as it is then.

    `exit` in the message ends the session, `navigation` leads to another activity. A message
    older than one already stored is ignored: beacons may overtake each other. ApiError 404 when
    the registration is gone, 410 when it was reset meanwhile.
    """
    with cloud.store.transaction():
        newest = find_session(cloud, session["token"]) or session
        sequence = int(message.get("sequence") or 0)
        if sequence <= newest["sequence"] or newest["state"] == "exited":
            return newest
        newest["sequence"] = sequence
        newest["state"] = message.get("exit") or "open"

        def change(result: Document, moment: str) -> None:
            _hear(cloud, newest, result, message, moment)

        if session["tracking"]:
            registrations.change_result(
                cloud, session["registration_id"], change, instance=session["instance"]
            )
        else:
            change(newest["result"], stamp(cloud.now()))
        _save(cloud, newest)
        return newest


def start_values(cloud: Cloud, session: Document) -> Document:
    """Return what the run-time of the current activity starts from, and the menu around it.

    `sco` is None while the learner has yet to choose an activity.
    """
    learner: Document = {"id": "preview"}
    result = session.get("result")
    if session["registration_id"]:
        registration = registrations.get_registration(cloud, session["registration_id"])
        learner = registration.facts["learner"]
        if session["tracking"]:
            result = _instance(registration.results, session)
    assert result is not None
    tree = result["tree"]
    node = sequencing.find_node(tree, session["activity"])
    names = (learner.get("lastName"), learner.get("firstName"))
    values: Document = {
        "standard": tree["standard"],
        "learner_id": learner["id"],
        "learner_name": ", ".join(name for name in names if name),
        "credit": "credit" if session["tracking"] else "no-credit",
        "mode": "normal" if session["tracking"] else "browse",
        "activity": session["activity"],
        "sentence": session["sentence"],
        "several": session["several"],
        "unsupported": tree["unsupported"],
        "ignored": tree["ignored"],
        "ends": session.get("ends", False),
        "menu": sequencing.menu(result, node),
        "sco": node,
    }
    if node is not None:
        state = state_of(result, node["id"])
        kept = "resume" if state["suspended"] else ""
        values.update(
            entry=kept if state["cmi"] else "ab-initio",
            total_time=write_seconds(tree["standard"], state["seconds"]),
            data=attempts.start_data(result, node),
            status=attempts.start_status(result, node),
        )
    return values


def _hear(
    cloud: Cloud, session: Document, result: Document, message: Document, moment: str
) -> None:
    """Take in a message: what the activity reported, how long it took, where to go."""
    exit, navigation = str(message.get("exit") or ""), str(message.get("navigation") or "")
    node = sequencing.find_node(result["tree"], message.get("activity") or session["activity"])
    cmi = {str(key): str(value) for key, value in dict(message.get("cmi") or {}).items()}
    seconds = _spent(session, message, cmi)
    result["suspended_at"] = None
    if node is not None:
        state_of(result, node["id"])["seconds"] += seconds
        # A SCO that never initialized has reported nothing: its status stays unknown.
        if node["kind"] == "SCO" and message.get("initialized", True):
            finished, left = bool(message.get("finished")), bool(exit or navigation)
            attempts.report(result, node, cmi, finished=finished, left=left)
        if navigation in ABANDONS:
            attempts.abandon(result, node, session["before"])
        elif exit and _suspends(cloud, session, result, node, navigation):
            attempts.suspend(result, node)
    roll_up_course(result)
    if session["tracking"]:
        found = [one for one in result["launches"] if one["id"] == session["launch_id"]]
        if not found:
            raise ApiError(410, "The registration was reset while it was open.")
        note(result, found[0], seconds, moment, exited=bool(exit))
    # The player repeats a request whose answer was lost.
    moved = message.get("activity", session["activity"]) != session["activity"]
    if navigation and not exit and not moved:
        _deliver(cloud, session, result, sequencing.move(result, node, navigation))


def _suspends(
    cloud: Cloud, session: Document, result: Document, node: Document, navigation: str
) -> bool:
    """Tell whether an exit suspends: courses of several pages are resumed."""
    if navigation in EXITS:
        return navigation == "suspendAll"
    action = _setting(cloud, session, "PlayerReturnToLmsAction")
    if action in ("SuspendAll", "ExitAll"):
        return action == "SuspendAll"
    return bool(session["several"] or state_of(result, node["id"])["suspended"])


def _deliver(cloud: Cloud, session: Document, result: Document, move: sequencing.Move) -> None:
    session.update(activity=None, before=None, sentence=move.sentence, ends=move.ends)
    if move.activity is None:
        return
    standard = result["tree"]["standard"]
    setting = _setting(cloud, session, "PlayerResetRunTimeData")
    timing = attempts.reset_timing(setting, standard)
    before = attempts.begin_attempt(result, move.activity, timing)
    session.update(activity=move.activity["id"], before=before)
    result["suspended_at"] = None
    state = state_of(result, move.activity["id"])
    if move.activity["kind"] != "SCO" or (before and before["attempts"] < state["attempts"]):
        roll_up_course(result)


def _spent(session: Document, message: Document, cmi: dict[str, str]) -> float:
    """Return the seconds that a message adds: each run-time counts its own from zero."""
    spoken = parse_seconds(cmi.get("cmi.core.session_time") or cmi.get("cmi.session_time"))
    seconds = float(message.get("seconds") or 0) if spoken is None else spoken
    run = str(message.get("run") or 0)
    before = session["times"].get(run, 0.0)
    session["times"][run] = seconds
    return float(seconds - before)


def _setting(cloud: Cloud, session: Document, name: str) -> str:
    scopes = [settings.APPLICATION, settings.course_scope(session["course_id"])]
    if session["registration_id"]:
        scopes.append(settings.registration_scope(session["registration_id"]))
    return settings.effective(cloud, scopes)[name][0]


def _instance(results: list[Document], session: Document) -> Any:
    for result in results:
        if result["instance"] == session["instance"]:
            return result
    raise ApiError(404, "The instance of this session is gone.")


def _save(cloud: Cloud, session: Document) -> None:
    cloud.store.run(
        "INSERT OR REPLACE INTO session VALUES (?, ?, ?)",
        *(session["token"], session["registration_id"], dump(session)),
    )
