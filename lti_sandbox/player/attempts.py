"""A learner's attempts on activities: begin, report, suspend, abandon."""

import copy
from typing import Any

from lti_sandbox.player.records import runtime_of
from lti_sandbox.player.rollup import SUCCESS_2004, lesson_status, read_number, roll_up
from lti_sandbox.practice_scorm_cloud.results import Document, state_of

NEVER, NOT_SUSPENDED = "NEVER", "WHEN_EXIT_IS_NOT_SUSPEND"


def reset_timing(setting: str, standard: str) -> str:
    """Return when run-time data are reset: by the setting, or by the standard.

    SCORM 1.2 has no new attempts: each visit continues the last one.
    """
    return setting or (NEVER if standard == "SCORM12" else NOT_SUSPENDED)


def begin_attempt(result: Document, node: Document, timing: str) -> Document | None:
    """Deliver an activity: go on with its attempt, or begin a new one.

    Returns what `abandon` puts back. A page that is no SCO reports nothing: it counts as seen.
    Nothing is rolled up, unless what the last attempt reported is gone.
    """
    before: Document | None = copy.deepcopy(result["activities"].get(node["id"]))
    kept = before is not None and before["attempts"] > 0
    if before is not None and kept and timing != NEVER and not before["suspended"]:
        kept = timing == NOT_SUSPENDED and not before["ended"]
    if not kept:
        seconds = before["seconds"] if before else 0.0
        attempts = before["attempts"] if before else 0
        result["activities"].pop(node["id"], None)
        state = state_of(result, node["id"])
        state.update(seconds=seconds, attempts=attempts + 1)
    state = state_of(result, node["id"])
    if node["kind"] != "SCO":
        success = "UNKNOWN" if result["tree"]["standard"] == "SCORM12" else "PASSED"
        state.update(completion="COMPLETED", success=success, ended=True)
        _write_maps(result, node, state)
    return before


def report(
    result: Document, node: Document, cmi: dict[str, str], *, finished: bool, left: bool
) -> None:
    """Store what a SCO has set, and the resulting status.

    `finished` tells that the SCO has ended its run-time, `left` that the learner has gone on.
    """
    standard = result["tree"]["standard"]
    state = state_of(result, node["id"])
    state["cmi"] = runtime_of(cmi)
    state["suspended"] = state["cmi"]["exit"] == "suspend"
    if standard == "SCORM12":
        state["ended"] = state["ended"] or finished or left
    elif finished and not state["suspended"]:
        # A run-time that never ended leaves the attempt open, without a status.
        state["ended"] = True
    state["objectives"] = _objectives(cmi)
    rolled = roll_up(standard, node, _with_primary(node, cmi), ended=state["ended"])
    state.update(completion=rolled.completion, success=rolled.success)
    if rolled.scaled is not None:
        state["scaled"] = rolled.scaled
    _share(result, node, cmi)
    _write_maps(result, node, state)


def suspend(result: Document, node: Document) -> None:
    """Suspend an attempt, whatever exit the SCO has set: the learner will come back."""
    state_of(result, node["id"])["suspended"] = True
    result["suspended_at"] = node["id"]


def abandon(result: Document, node: Document, before: Document | None) -> None:
    """Discard an attempt: it does not count, and the next visit begins a new one."""
    result["activities"].pop(node["id"], None)
    if before is not None:
        result["activities"][node["id"]] = {**before, "suspended": False}


def start_data(result: Document, node: Document) -> dict[str, str]:
    """Return the elements that a SCO finds set when it starts."""
    state = state_of(result, node["id"])
    data: dict[str, str] = dict(state["cmi"].get("data", {}))
    if result["tree"]["standard"] == "SCORM12":
        return data
    named = {value for key, value in data.items() if key.endswith(".id")}
    index = 1 + max((_index(key) for key in data if key.startswith("cmi.objectives.")), default=-1)
    for objective in node["objectives"]:
        if not objective["id"] or objective["id"] in named:
            continue
        data[f"cmi.objectives.{index}.id"] = objective["id"]
        known = read_maps(result, objective)
        if known.get("success"):
            data[f"cmi.objectives.{index}.success_status"] = known["success"].lower()
        if known.get("scaled") is not None:
            data[f"cmi.objectives.{index}.score.scaled"] = f"{known['scaled'] / 100:g}"
        index += 1
    for index, store in enumerate(node["shared"]):
        data[f"adl.data.{index}.id"] = store["id"]
        if store["read"] and store["id"] in result["shared"]:
            data[f"adl.data.{index}.store"] = result["shared"][store["id"]]
    return data


def start_status(result: Document, node: Document) -> str:
    """Return the SCORM 1.2 status that a SCO reads when it starts."""
    state = state_of(result, node["id"])
    return lesson_status(node, state["cmi"].get("data", {}), ended=state["ended"])


def read_maps(result: Document, objective: Document) -> dict[str, Any]:
    """Return what the global objectives say that a local one reads."""
    known: dict[str, Any] = {}
    for one in objective["maps"]:
        shared = result["globals"].get(one["target"], {})
        if one["read_status"] and shared.get("success"):
            known.setdefault("success", shared["success"])
        if one["read_measure"] and shared.get("scaled") is not None:
            known.setdefault("scaled", shared["scaled"])
    return known


def write_map(result: Document, objective: Document, success: str, scaled: float | None) -> None:
    """Write a local objective to the global ones that it maps to; an unknown value is not."""
    for one in objective["maps"]:
        shared = result["globals"].setdefault(one["target"], {})
        if one["write_status"] and success != "UNKNOWN":
            shared["success"] = success
        if one["write_measure"] and scaled is not None:
            shared["scaled"] = scaled


def _write_maps(result: Document, node: Document, state: Document) -> None:
    for objective in node["objectives"]:
        if objective["primary"]:
            write_map(result, objective, state["success"], state["scaled"])
        elif objective["id"] in state["objectives"]:
            local = state["objectives"][objective["id"]]
            write_map(result, objective, local["success"], local["scaled"])


def _objectives(cmi: dict[str, str]) -> Document:
    found: Document = {}
    for key, name in cmi.items():
        if key.startswith("cmi.objectives.") and key.endswith(".id"):
            prefix = key.removesuffix("id")
            scaled = read_number(cmi.get(prefix + "score.scaled"))
            found[name] = {
                "success": SUCCESS_2004.get(cmi.get(prefix + "success_status", ""), "UNKNOWN"),
                "scaled": None if scaled is None else round(scaled * 100, 7),
            }
    return found


def _with_primary(node: Document, cmi: dict[str, str]) -> dict[str, str]:
    """Add what a SCO said of its primary objective by name and not of itself."""
    primary = node["objectives"][0]["id"]
    filled = dict(cmi)
    for key, name in cmi.items():
        if primary and name == primary and key.startswith("cmi.objectives."):
            prefix = key.removesuffix("id")
            for element in ("success_status", "score.scaled"):
                if prefix + element in cmi:
                    filled.setdefault("cmi." + element, cmi[prefix + element])
    return filled


def _share(result: Document, node: Document, cmi: dict[str, str]) -> None:
    for index, store in enumerate(node["shared"]):
        text = cmi.get(f"adl.data.{index}.store")
        if store["write"] and text is not None:
            result["shared"][store["id"]] = text


def _index(key: str) -> int:
    return int(key.split(".")[2])
