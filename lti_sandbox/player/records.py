"""What a session leaves in a registration: its launch history entry, time, run-time data."""

from typing import Any

from lti_sandbox.practice_scorm_cloud.results import Document

# Set anew by every session, so never part of what a later one resumes.
OF_ONE_SESSION = ("cmi.core.session_time", "cmi.core.exit", "cmi.session_time", "cmi.exit")

RUNTIME_KEYS = {
    "cmi.core.lesson_location": "location",
    "cmi.location": "location",
    "cmi.suspend_data": "suspend_data",
    "cmi.completion_status": "completion_status",
    "cmi.core.lesson_status": "completion_status",
    "cmi.progress_measure": "progress_measure",
}

NAMES = {
    "id": "id",
    "type": "type",
    "time": "timestamp",
    "timestamp": "timestamp",
    "weighting": "weighting",
    "student_response": "learnerResponse",
    "learner_response": "learnerResponse",
    "result": "result",
    "latency": "latency",
    "description": "description",
    "score.raw": "scoreRaw",
    "score.min": "scoreMin",
    "score.max": "scoreMax",
    "score.scaled": "scoreScaled",
}


def begin(result: Document, launch_id: str, moment: str) -> None:
    """Add a launch to an instance."""
    result.setdefault("first_access", moment)
    result["last_access"] = moment
    result["attempts"] = max(result["attempts"], 1)
    launch = {
        "id": launch_id,
        "completion": result["completion"],
        "success": result["success"],
        "seconds": 0.0,
        "launched": moment,
        "updated": moment,
    }
    if result.get("scaled") is not None:
        launch["scaled"] = result["scaled"]
    result["launches"].append(launch)


def note(result: Document, launch: Document, seconds: float, moment: str, *, exited: bool) -> None:
    """Bring a launch and the totals of its instance up to what the course has reported."""
    seconds = round(seconds, 2)
    result["seconds"] = round(result["seconds"] - launch["seconds"] + seconds, 2)
    result["last_access"] = moment
    if result["completion"] == "COMPLETED":
        result.setdefault("completed", moment)
    launch.update(
        completion=result["completion"],
        success=result["success"],
        seconds=seconds,
        updated=moment,
    )
    if result.get("scaled") is None:
        launch.pop("scaled", None)
    else:
        launch["scaled"] = result["scaled"]
    launch.pop("exited", None)
    if exited:
        launch["exited"] = moment


def runtime_of(cmi: dict[str, str]) -> Document:
    """Return what to keep of the elements that a course has set, as the API shows them."""
    exit_value = cmi.get("cmi.core.exit", cmi.get("cmi.exit", ""))
    runtime: Document = {
        "data": {key: value for key, value in cmi.items() if key not in OF_ONE_SESSION},
        "exit": exit_value,
        "entry": "resume" if exit_value == "suspend" else "",
    }
    for element, name in RUNTIME_KEYS.items():
        if element in cmi:
            runtime[name] = cmi[element]
    runtime["score"] = {
        key.rpartition(".")[2]: value
        for key, value in cmi.items()
        if key.startswith(("cmi.core.score.", "cmi.score."))
    }
    runtime["interactions"] = _collected(cmi, "cmi.interactions.")
    runtime["objectives"] = _collected(cmi, "cmi.objectives.")
    return runtime


def _collected(cmi: dict[str, str], prefix: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for element, value in cmi.items():
        index, _, rest = element.removeprefix(prefix).partition(".")
        if element.startswith(prefix) and index.isdigit():
            name = NAMES.get(rest)
            if name:
                found.setdefault(int(index), {})[name] = value
    return [found[index] for index in sorted(found)]
