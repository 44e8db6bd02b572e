"""What a session stores in a registration: launch history, time, run-time data."""

from typing import Any

from lti_sandbox.practice_scorm_cloud.results import Document

# Set by every session, so never resumed by a later one.
OF_ONE_SESSION = ("cmi.core.session_time", "cmi.core.exit", "cmi.session_time", "cmi.exit")

RUNTIME_KEYS = {
    "cmi.core.lesson_location": "location",
    "cmi.location": "location",
    "cmi.suspend_data": "suspend_data",
    "cmi.completion_status": "completion_status",
    "cmi.core.lesson_status": "completion_status",
    "cmi.progress_measure": "progress_measure",
}

INTERACTION_NAMES = {
    "id": "id",
    "time": "timestamp",
    "timestamp": "timestamp",
    "weighting": "weighting",
    "student_response": "learnerResponse",
    "learner_response": "learnerResponse",
    "result": "result",
    "latency": "latency",
    "description": "description",
}
OBJECTIVE_NAMES = {
    "id": "id",
    "score.raw": "scoreRaw",
    "score.min": "scoreMin",
    "score.max": "scoreMax",
    "score.scaled": "scoreScaled",
    "progress_measure": "progressMeasure",
    "description": "description",
}
COMPLETIONS = ("completed", "incomplete", "not attempted", "browsed")
SUCCESSES = ("passed", "failed")


def begin(result: Document, launch_id: str, moment: str) -> None:
    """Add a launch to an instance."""
    result.setdefault("first_access", moment)
    result["last_access"] = moment
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
    """Update a launch and the totals of its instance from the course's report.

    `seconds` is what came to the launch since it was last noted.
    """
    seconds = round(launch["seconds"] + seconds, 2)
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
    runtime["interactions"] = [_interaction(one) for one in _members(cmi, "cmi.interactions.")]
    runtime["objectives"] = [_objective(one) for one in _members(cmi, "cmi.objectives.")]
    return runtime


def _members(cmi: dict[str, str], prefix: str) -> list[dict[str, str]]:
    """Return the members of a collection in order, each by the names of its elements."""
    found: dict[int, dict[str, str]] = {}
    for element, value in cmi.items():
        index, _, rest = element.removeprefix(prefix).partition(".")
        if element.startswith(prefix) and index.isdigit():
            found.setdefault(int(index), {})[rest] = value
    return [found[index] for index in sorted(found)]


def _interaction(member: dict[str, str]) -> dict[str, Any]:
    """Return a RuntimeInteractionSchema; its types are spelled `LongFillIn`."""
    words = member.get("type", "other").split("-")
    return {
        **{name: member[key] for key, name in INTERACTION_NAMES.items() if key in member},
        "type": "".join(word.capitalize() for word in words),
        "objectives": [one["id"] for one in _members(member, "objectives.") if "id" in one],
        "correctResponses": [
            one["pattern"] for one in _members(member, "correct_responses.") if "pattern" in one
        ],
    }


def _objective(member: dict[str, str]) -> dict[str, Any]:
    """Return a RuntimeObjectiveSchema; in SCORM 1.2 one status says both things."""
    success = member.get("success_status", member.get("status", ""))
    completion = member.get("completion_status", member.get("status", ""))
    if "status" in member and success in SUCCESSES:
        completion = "completed"
    known = completion if completion in COMPLETIONS else "unknown"
    return {
        **{name: member[key] for key, name in OBJECTIVE_NAMES.items() if key in member},
        "runtimeObjectiveSuccessStatus": (success if success in SUCCESSES else "unknown").upper(),
        "runtimeObjectiveCompletionStatus": known.upper().replace(" ", "_"),
    }
