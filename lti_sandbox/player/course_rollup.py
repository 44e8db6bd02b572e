"""Rollup from activities to the course: SCORM 1.2 averages, SCORM 2004 by rules.

The rules are those of SCORM 2004 Sequencing and Navigation, RB.1.1 to RB.1.4.
"""

from lti_sandbox.player.attempts import read_maps, write_map
from lti_sandbox.practice_scorm_cloud.manifest import leaves
from lti_sandbox.practice_scorm_cloud.results import Document, state_of

COMPLETION = {True: "COMPLETED", False: "INCOMPLETE", None: "UNKNOWN"}
SUCCESS = {True: "PASSED", False: "FAILED", None: "UNKNOWN"}
KNOWN = {"COMPLETED": True, "INCOMPLETE": False, "PASSED": True, "FAILED": False}
ALL = {"any": True, "set": "all", "count": 0.0, "percent": 0.0}


def roll_up_course(result: Document) -> None:
    """Update every cluster and the registration from the activities.

    Where the manifest has features that the player lacks, the registration gets no completion,
    success or score.
    """
    tree = result["tree"]
    _roll_up(result, tree)
    whole = state_of(result, tree["id"])
    result.update({key: whole[key] for key in ("completion", "success", "scaled")})
    if tree["unsupported"]:
        done = result["completion"] == "COMPLETED"
        result.update(success="UNKNOWN", scaled=None)
        result["completion"] = "INCOMPLETE" if done else result["completion"]


def condition_holds(result: Document, node: Document, rule: Document) -> bool | None:
    """Tell whether the conditions of a rule hold for an activity; None when it is not known."""
    answers = [_negated(_condition(result, node, one), one["not"]) for one in rule["conditions"]]
    wanted = rule["any"]
    if any(answer is wanted for answer in answers):
        return bool(wanted)
    return None if None in answers or not answers else not wanted


def _roll_up(result: Document, node: Document) -> None:
    if not node["children"]:
        return
    for child in node["children"]:
        _roll_up(result, child)
    state = state_of(result, node["id"])
    state["attempts"] = max(state_of(result, child["id"])["attempts"] for child in node["children"])
    state["seconds"] = round(
        sum(state_of(result, child["id"])["seconds"] for child in node["children"]), 2
    )
    if result["tree"]["standard"] == "SCORM12":
        state.update(_average(result, node))
        return
    before = (state["success"], state["scaled"])
    state["scaled"] = _measure(result, node)
    state["success"] = SUCCESS[_satisfied(result, node, state["scaled"])]
    state["completion"] = COMPLETION[_by_rules(result, node, "completed", "incomplete")]
    if (state["success"], state["scaled"]) != before:
        write_map(result, node["objectives"][0], state["success"], state["scaled"])


def _average(result: Document, node: Document) -> Document:
    """SCORM 1.2 has no rules: all completed, none failed, the average of the scores there are.

    Success is known when all is done: one quiz among pages does not decide the course.
    """
    states = [state_of(result, leaf["id"]) for leaf in leaves(node)]
    scores = [state["scaled"] for state in states if state["scaled"] is not None]
    done = all(state["completion"] == "COMPLETED" for state in states)
    begun = any(state["attempts"] for state in states)
    said = {state["success"] for state in states} if done else set()
    return {
        "completion": "COMPLETED" if done else "INCOMPLETE" if begun else "UNKNOWN",
        "success": "FAILED" if "FAILED" in said else "PASSED" if "PASSED" in said else "UNKNOWN",
        "scaled": round(sum(scores) / len(scores), 7) if scores else None,
    }


def _measure(result: Document, node: Document) -> float | None:
    total, weights, valid = 0.0, 0.0, False
    for child in node["children"]:
        if child["tracked"]:
            # A child without a measure counts as 0 with its weight: RB.1.1.
            weights += child["weight"]
            scaled = _objective(result, child, "")["scaled"]
            if scaled is not None:
                valid = True
                total += scaled * child["weight"]
    return round(total / weights, 7) if valid and weights > 0 else None


def _satisfied(result: Document, node: Document, scaled: float | None) -> bool | None:
    passing = node["scaled_passing_score"]
    if passing is not None:
        return None if scaled is None else scaled >= round(passing * 100, 7)
    return _by_rules(result, node, "satisfied", "notSatisfied")


def _by_rules(result: Document, node: Document, good: str, bad: str) -> bool | None:
    rules = [rule for rule in node["rollup_rules"] if rule["action"] in (good, bad)]
    if not rules:
        known = "objectiveStatusKnown" if good == "satisfied" else "activityProgressKnown"
        rules = [_default(known, bad), _default(good, good)]
    answer = None
    for action in (bad, good):
        for rule in rules:
            if rule["action"] == action and _rule_holds(result, node, rule):
                answer = action == good
    return answer


def _default(condition: str, action: str) -> Document:
    one = {"condition": condition, "not": False, "objective": "", "measure": 0.0}
    return {**ALL, "conditions": [one], "action": action}


def _rule_holds(result: Document, node: Document, rule: Document) -> bool:
    answers = [
        condition_holds(result, child, rule)
        for child in node["children"]
        if _counts(result, child, rule["action"])
    ]
    if not answers:
        return False
    yes = sum(answer is True for answer in answers)
    holds: dict[str, bool] = {
        "all": yes == len(answers),
        "any": yes > 0,
        "none": all(answer is False for answer in answers),
        "atLeastCount": yes >= rule["count"],
        "atLeastPercent": yes / len(answers) >= rule["percent"],
    }
    return holds.get(rule["set"], False)


def _counts(result: Document, child: Document, action: str) -> bool:
    """Tell whether an activity takes part in its cluster's rollup: RB.1.4.2."""
    objective = action in ("satisfied", "notSatisfied")
    if not child["tracked"] or not child["rollup_objective" if objective else "rollup_completion"]:
        return False
    required, state = child["required"].get(action, "always"), state_of(result, child["id"])
    if required == "ifAttempted":
        return bool(state["attempts"])
    if required == "ifNotSuspended":
        return not (state["attempts"] and state["suspended"])
    if required == "ifNotSkipped":
        return not any(
            rule["action"] == "skip" and condition_holds(result, child, rule)
            for rule in child["rules"]
        )
    return True


def _negated(answer: bool | None, negate: bool) -> bool | None:
    return answer if answer is None or not negate else not answer


def _condition(result: Document, node: Document, one: Document) -> bool | None:
    state = state_of(result, node["id"])
    local = _objective(result, node, one["objective"])
    success, scaled = KNOWN.get(local["success"]), local["scaled"]
    measure = one["measure"] * 100
    limit = node["attempt_limit"]
    answers: dict[str, bool | None] = {
        "always": True,
        "satisfied": success,
        "objectiveStatusKnown": success is not None,
        "objectiveMeasureKnown": scaled is not None,
        "objectiveMeasureGreaterThan": None if scaled is None else scaled > measure,
        "objectiveMeasureLessThan": None if scaled is None else scaled < measure,
        "completed": KNOWN.get(state["completion"]),
        "activityProgressKnown": state["completion"] != "UNKNOWN",
        "attempted": state["attempts"] > 0,
        "attemptLimitExceeded": limit is not None and state["attempts"] >= limit,
    }
    return answers.get(one["condition"])


def _objective(result: Document, node: Document, name: str) -> Document:
    """Return a local objective, by its maps where the activity itself has said nothing of it."""
    objective = next(
        (one for one in node["objectives"] if name and one["id"] == name), node["objectives"][0]
    )
    state = state_of(result, node["id"])
    local = state if objective["primary"] else state["objectives"].get(objective["id"], {})
    shared = read_maps(result, objective)
    success, scaled = local.get("success", "UNKNOWN"), local.get("scaled")
    if scaled is None:
        scaled = shared.get("scaled")
    if success == "UNKNOWN":
        success = shared.get("success", "UNKNOWN")
        passing = node["scaled_passing_score"] if objective["primary"] else None
        if passing is not None:
            success = SUCCESS[None if scaled is None else scaled >= round(passing * 100, 7)]
    return {"success": success, "scaled": scaled}
