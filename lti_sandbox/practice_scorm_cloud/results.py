"""Registrations as SCORM Cloud shows them: an unknown value is left out, never null."""

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
    """Return one instance that nobody has launched, for a course version."""
    return {
        "instance": instance,
        "course": {"id": course["id"], "title": course["title"], "version": course["version"]},
        "updated": moment,
        "created": moment,
        "completion": "UNKNOWN",
        "success": "UNKNOWN",
        "seconds": 0.0,
        "last_access": moment,
        "attempts": 0,
        "launches": [],
        "cmi": {},
    }


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
        "globalObjectives": [],
        "sharedData": [],
        "activityDetails": _root_activity(result, detail),
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


def _root_activity(result: Document, detail: Detail) -> Document:
    activity = _activity(result, result["course"]["id"], result["course"]["title"])
    activity["children"] = []
    if detail.children:
        activity["objectives"] = [_primary_objective(result)]
        leaf = _activity(result, "item_1", result["course"]["title"])
        leaf["children"] = []
        leaf["objectives"] = [_primary_objective(result)]
        if detail.runtime:
            leaf["runtime"] = _runtime(result, detail)
        activity["children"] = [without_unknown(leaf)]
    return without_unknown(activity)


def _activity(result: Document, activity_id: str, title: str) -> Document:
    return {
        "id": activity_id,
        "title": title,
        "attempts": result["attempts"],
        "activityCompletion": result["completion"],
        "activitySuccess": result["success"],
        "score": score_json(result),
        "timeTracked": time_text(result["seconds"]),
        "completionAmount": {"scaled": _amount(result)},
        "suspended": result["cmi"].get("exit") == "suspend",
        "staticProperties": {
            "completionThreshold": "",
            "launchData": "",
            "maxTimeAllowed": "",
            "scaledPassingScore": 0.0,
            "scaledPassingScoreUsed": False,
            "timeLimitAction": "",
        },
    }


def _primary_objective(result: Document) -> Document:
    objective = {
        "id": "",
        "primary": True,
        "score": score_json(result),
        "objectiveCompletion": result["completion"],
        "objectiveSuccess": result["success"],
        "previousObjectiveSuccess": "UNKNOWN",
    }
    return without_unknown(objective)


def _runtime(result: Document, detail: Detail) -> Document:
    cmi = result["cmi"]
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
        "totalTime": time_text(result["seconds"]),
        "timeTracked": time_text(result["seconds"]),
        "runtimeSuccessStatus": result["success"],
        "suspendData": cmi.get("suspend_data", ""),
        "learnerComments": [],
        "lmsComments": [],
        "runtimeInteractions": cmi.get("interactions", []) if detail.interactions else None,
        "runtimeObjectives": cmi.get("objectives", []) if detail.interactions else None,
    }
    return without_unknown(runtime)
