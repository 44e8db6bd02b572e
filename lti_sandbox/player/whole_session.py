"""Simulation of a whole player session, for the control of registrations."""

import uuid

from lti_sandbox.player.records import begin, note, runtime_of
from lti_sandbox.player.rollup import write_outcome
from lti_sandbox.practice_scorm_cloud import links, registrations
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.manifest import leaves
from lti_sandbox.practice_scorm_cloud.results import Document, state_of
from lti_sandbox.practice_scorm_cloud.times import later

CONTROL_KEYS = ("completion", "success", "scaled", "seconds")


def whole_session(cloud: Cloud, registration_id: str, wanted: Document) -> Document:
    """Act as a player from launch to exit, without one, and return the instance.

    Keys that `wanted` lacks stay as they are; `scaled` null takes the score away. ApiError 400
    for a value that no player would report, 404 for an unknown registration.
    """
    check_control(wanted)
    launch_id = str(uuid.uuid4())
    link, _ = links.newest_of(cloud, registration_id)

    def play(result: Document, moment: str) -> None:
        seconds = float(wanted.get("seconds") or 0)
        launched = later(moment, -seconds)
        earliest = [result["created"], *(one.get("exited", "") for one in result["launches"])]
        if link is not None:
            earliest.append(link["created"])
        begin(result, launch_id, min(max(launched, *earliest), moment))
        result["completion"] = wanted.get("completion", _launched(result["completion"]))
        result["success"] = wanted.get("success", result["success"])
        if "scaled" in wanted:
            result["scaled"] = wanted["scaled"]
        for leaf in leaves(result["tree"]):
            _remember_outcome(result, leaf)
        note(result, result["launches"][-1], seconds, moment, exited=True)

    return registrations.change_result(cloud, registration_id, play)


def check_control(wanted: Document) -> None:
    """Refuse invalid values of `PUT /control/registrations/<id>` with a message."""
    unknown = set(wanted) - set(CONTROL_KEYS)
    if unknown:
        raise ApiError(400, f"Known keys are {', '.join(CONTROL_KEYS)}, not {unknown.pop()}.")
    for key, known in (
        ("completion", ("UNKNOWN", "COMPLETED", "INCOMPLETE")),
        ("success", ("UNKNOWN", "PASSED", "FAILED")),
    ):
        if key in wanted and wanted[key] not in known:
            raise ApiError(400, f"{key} is one of {', '.join(known)}.")
    scaled, seconds = wanted.get("scaled"), wanted.get("seconds", 0)
    if scaled is not None and not (_is_number(scaled) and -100 <= scaled <= 100):
        raise ApiError(400, "scaled is a number from -100 to 100, or null for no score.")
    if not _is_number(seconds) or not 0 <= seconds <= 1e8:
        raise ApiError(400, "seconds is a number from 0 up.")


def _launched(completion: str) -> str:
    return "INCOMPLETE" if completion == "UNKNOWN" else completion


def _remember_outcome(result: Document, leaf: Document) -> None:
    """Store the outcome as run-time data, for a real player at the next launch."""
    outcome = {key: result[key] for key in ("completion", "success", "scaled")}
    state = state_of(result, leaf["id"])
    written = write_outcome(result["tree"]["standard"], **outcome)
    data = {**state["cmi"].get("data", {}), **written}
    if outcome["scaled"] is None:
        data = {key: value for key, value in data.items() if ".score." not in key}
    cmi = {**runtime_of(data), "exit": "suspend", "entry": "resume"}
    attempts = max(state["attempts"], 1)
    state.update(outcome, cmi=cmi, suspended=True, attempts=attempts)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
