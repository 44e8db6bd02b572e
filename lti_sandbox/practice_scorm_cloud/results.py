"""Registrations as SCORM Cloud shows them; unknown values are left out, never null."""

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Detail:
    """How much a result tells: the three include flags of the API."""

    children: bool = False
    interactions: bool = False
    runtime: bool = False


FORMATS = {
    "COURSE": Detail(),
    "ACTIVITY": Detail(children=True),
    "FULL": Detail(children=True, interactions=True, runtime=True),
}


def new_result(instance: int, moment: str, course: Document) -> Document:
    """Return a new instance for a course version."""
    return {
        "instance": instance,
        "course": {"id": course["id"], "title": course["title"], "version": course["version"]},
        "updated": moment,
        "created": moment,
        "completion": "UNKNOWN",
        "success": "UNKNOWN",
        "scaled": None,
        "seconds": 0.0,
        "last_access": moment,
        "launches": [],
        # The version of an instance never changes, and so its tree does not either.
        "tree": course["activities"],
        "activities": {},
        "globals": {},
        "shared": {},
        "suspended_at": None,
    }


def state_of(result: Document, activity_id: str) -> Document:
    """Return what an instance holds of one activity; made when there is nothing yet."""
    state: Document = result["activities"].setdefault(
        activity_id,
        {
            "completion": "UNKNOWN",
            "success": "UNKNOWN",
            "scaled": None,
            "attempts": 0,
            "seconds": 0.0,
            "ended": False,
            "suspended": False,
            "objectives": {},
            "cmi": {},
        },
    )
    return state


def registration_json(facts: Document, result: Document, detail: Detail) -> Document:
    """Return the RegistrationSchema of one instance."""
    shown = {
        "id": facts["id"],
        "instance": result["instance"],
        "xapiRegistrationId": facts["xapiRegistrationId"],
        "updated": result["updated"],
        "registrationCompletion": result["completion"],
        "registrationCompletionAmount": _amount(result),
        "registrationSuccess": result["success"],
        "score": score_json(result),
        "totalSecondsTracked": result["seconds"],
        "firstAccessDate": result.get("first_access"),
        "lastAccessDate": result["last_access"],
        "completedDate": result.get("completed"),
        "createdDate": result["created"],
        "course": result["course"],
        "learner": facts["learner"],
        "tags": facts.get("tags") or None,
        "globalObjectives": [
            _objective(name, shared) for name, shared in sorted(result["globals"].items())
        ],
        "sharedData": [
            {"id": name, "value": text} for name, text in sorted(result["shared"].items())
        ],
        "suspendedActivityId": result["suspended_at"],
        "activityDetails": _activity(result, result["tree"], detail, root=True),
    }
    return without_unknown(shown)


def without_unknown(document: Document) -> Document:
    """Leave out every key whose value is None."""
    return {key: value for key, value in document.items() if value is not None}


def score_json(result: Document) -> Document | None:
    """Return the ScoreSchema, 0 to 100, or None when no score was ever reported."""
    scaled = result.get("scaled")
    return None if scaled is None else {"scaled": scaled}


def launch_json(registration_id: str, result: Document, launch: Document, log: bool) -> Document:
    """Return one entry of the launch history."""
    shown = {
        "id": registration_id,
        "instance": result["instance"],
        "score": score_json(launch),
        "completionStatus": launch["completion"],
        "successStatus": launch["success"],
        "historyLog": launch.get("log", "") if log else "",
        "totalSecondsTracked": launch["seconds"],
        "launchTime": launch["launched"],
        "exitTime": launch.get("exited"),
        "lastRuntimeUpdate": launch["updated"],
        "launchHistoryId": launch["id"],
    }
    return without_unknown(shown)


def time_text(seconds: float) -> str:
    """Write seconds as `0000:00:26.66`."""
    whole, hundredths = divmod(round(seconds * 100), 100)
    hours, minutes = whole // 3600, whole // 60 % 60
    fraction = f".{hundredths:02d}" if hundredths else ""
    return f"{hours:04d}:{minutes:02d}:{whole % 60:02d}{fraction}"


def _amount(result: Document) -> float:
    return 1.0 if result["completion"] == "COMPLETED" else 0.0


def _activity(result: Document, node: Document, detail: Detail, *, root: bool = False) -> Document:
    state = result if root else state_of(result, node["id"])
    suspended = result["suspended_at"] is not None
    suspended = suspended if root else state_of(result, node["id"])["suspended"]
    passing = node["scaled_passing_score"]
    shown = {
        "id": node["id"],
        "title": node["title"],
        "attempts": state_of(result, node["id"])["attempts"],
        "activityCompletion": state["completion"],
        "activitySuccess": state["success"],
        "score": score_json(state),
        "timeTracked": time_text(state["seconds"]),
        "completionAmount": {"scaled": _amount(state)},
        "suspended": suspended,
        "children": [],
        "staticProperties": {
            "completionThreshold": _text(node["completion_threshold"]),
            "launchData": node["launch_data"],
            "maxTimeAllowed": node["max_time"],
            "scaledPassingScore": passing or 0.0,
            "scaledPassingScoreUsed": passing is not None,
            "timeLimitAction": node["time_limit_action"],
        },
    }
    if detail.children:
        shown["objectives"] = _objectives(state, node)
        shown["children"] = [_activity(result, child, detail) for child in node["children"]]
    if detail.runtime and not node["children"]:
        shown["runtime"] = _runtime(state, detail)
    return without_unknown(shown)


def _objectives(state: Document, node: Document) -> list[Document]:
    primary = {**_objective(node["objectives"][0]["id"], state), "primary": True}
    primary["objectiveCompletion"] = state["completion"]
    others = state.get("objectives", {})
    return [primary, *(_objective(name, others.get(name, {})) for name in _names(node))]


def _names(node: Document) -> list[str]:
    return [one["id"] for one in node["objectives"] if not one["primary"]]


def _objective(name: str, status: Document) -> Document:
    objective = {
        "id": name,
        "primary": False,
        "score": score_json(status),
        "objectiveCompletion": "UNKNOWN",
        "objectiveSuccess": status.get("success", "UNKNOWN"),
        "previousObjectiveSuccess": "UNKNOWN",
    }
    return without_unknown(objective)


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def _runtime(state: Document, detail: Detail) -> Document:
    cmi = state["cmi"]
    score = cmi.get("score", {})
    runtime = {
        "completionStatus": cmi.get("completion_status", "unknown"),
        "credit": "credit",
        "entry": cmi.get("entry", "ab-initio"),
        "exit": cmi.get("exit") or "unknown",
        "learnerPreference": {
            "audioLevel": 1.0,
            "language": "",
            "deliverySpeed": 1.0,
            "audioCaptioning": 0,
        },
        "location": cmi.get("location", ""),
        "mode": "normal",
        "progressMeasure": cmi.get("progress_measure", ""),
        "scoreScaled": score.get("scaled", ""),
        "scoreRaw": score.get("raw", ""),
        "scoreMin": score.get("min", ""),
        "scoreMax": score.get("max", ""),
        "totalTime": time_text(state["seconds"]),
        "timeTracked": time_text(state["seconds"]),
        "runtimeSuccessStatus": state["success"],
        "suspendData": cmi.get("suspend_data", ""),
        "learnerComments": [],
        "lmsComments": [],
        "runtimeInteractions": cmi.get("interactions", []) if detail.interactions else None,
        "runtimeObjectives": cmi.get("objectives", []) if detail.interactions else None,
    }
    return without_unknown(runtime)
