"""The activity tree of a manifest: its pages, and the rules of sequencing and rollup."""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement

Node = dict[str, Any]

PRE = ("skip", "disabled", "hiddenFromChoice", "stopForwardTraversal")
POST = ("exitParent", "exitAll", "retry", "continue", "previous")
CONDITIONS = (
    *("satisfied", "objectiveStatusKnown", "objectiveMeasureKnown", "completed", "attempted"),
    *("objectiveMeasureGreaterThan", "objectiveMeasureLessThan", "activityProgressKnown"),
    *("attemptLimitExceeded", "always"),
)


def read_activities(
    standard: str, manifest: Element, organization: Element, shown: dict[str, Any]
) -> Node:
    """Return the tree of an organization; `shown` is its CourseActivitySchema, addresses and all.

    `unsupported` at the root names features that results depend on and the player lacks; `ignored`
    those that it leaves out without effect on a result.
    """
    return _Tree(standard, manifest).read(organization, shown)


def one_page(identifier: str, title: str) -> Node:
    """Return the tree of a course with one page and no rules."""
    shown = {"title": title, "href": "", "activityType": "AGGREGATION", "children": []}
    page = {**shown, "itemIdentifier": "item_1", "activityType": "SCO", "href": "index.html"}
    organization = Element("organization")
    SubElement(organization, "item")
    root = {**shown, "itemIdentifier": identifier, "children": [page]}
    return read_activities("SCORM12", Element("manifest"), organization, root)


def leaves(node: Node) -> Iterator[Node]:
    """Return everything below a node that has a page, in the order of the manifest."""
    if not node["children"]:
        yield node
    for child in node["children"]:
        yield from leaves(child)


class _Tree:
    def __init__(self, standard: str, manifest: Element) -> None:
        self.standard = standard
        self.collection = {
            str(one.get("ID")): one
            for holder in manifest
            if _local(holder) == "sequencingCollection"
            for one in holder
        }
        self.identifiers: set[str] = set()
        self.unsupported: set[str] = set()
        self.ignored: set[str] = set()

    def read(self, organization: Element, shown: dict[str, Any]) -> Node:
        root = self._node(organization, shown)
        root.update(
            standard=self.standard,
            unsupported=sorted(self.unsupported),
            ignored=sorted(self.ignored),
        )
        return root

    def _node(self, item: Element, shown: dict[str, Any]) -> Node:
        parts = self._sequencing(item)
        # Items without identifier, or with a duplicate one, get one.
        identifier = shown["itemIdentifier"] or "item"
        while identifier in self.identifiers:
            identifier += "_"
        self.identifiers.add(identifier)
        items = [child for child in item if _local(child) == "item"]
        children = [
            self._node(child, its)
            for child, its in zip(items, shown["children"], strict=True)
            if _plays(its)
        ]
        node: Node = {
            "id": identifier,
            "title": shown["title"],
            "kind": shown["activityType"],
            "href": shown["href"],
            "visible": item.get("isvisible", "true").lower() not in ("false", "0"),
            **_run_time(item, parts),
            **self._rules(parts),
            "children": children,
        }
        if children and shown["href"]:
            # SCORM 1.2 allows a page on an item with children: it is played before them.
            node["children"].insert(0, {**node, "children": []})
            node.update(id=identifier + "_group", href="")
        if children:
            node["kind"] = "AGGREGATION"
        if self.standard == "SCORM12":
            node["flow"] = True
            if any(_local(child) == "prerequisites" for child in item):
                self.ignored.add("prerequisites")
        return node

    def _sequencing(self, item: Element) -> dict[str, Element]:
        """Return the parts of an item's sequencing; its own override the referenced ones."""
        parts: dict[str, Element] = {}
        own = next((child for child in item if _local(child) == "sequencing"), None)
        if own is None or self.standard == "SCORM12":
            return parts
        referred = self.collection.get(own.get("IDRef", ""))
        for source in (referred, own):
            for part in source if source is not None else ():
                parts[_local(part)] = part
        return parts

    def _rules(self, parts: dict[str, Element]) -> Node:
        control, rollup = parts.get("controlMode"), parts.get("rollupRules")
        needs, limits = parts.get("rollupConsiderations"), parts.get("limitConditions")
        delivery = parts.get("deliveryControls")
        self._name_what_is_not_played(parts)
        attempts = limits.get("attemptLimit") if limits is not None else None
        return {
            "choice": _flag(control, "choice", True),
            "choice_exit": _flag(control, "choiceExit", True),
            "flow": _flag(control, "flow", False),
            "forward_only": _flag(control, "forwardOnly", False),
            "tracked": _flag(delivery, "tracked", True),
            "completion_set_by_content": _flag(delivery, "completionSetByContent", False),
            "objective_set_by_content": _flag(delivery, "objectiveSetByContent", False),
            "attempt_limit": int(attempts) if attempts and attempts.isdigit() else None,
            "rollup_objective": _flag(rollup, "rollupObjectiveSatisfied", True),
            "rollup_completion": _flag(rollup, "rollupProgressCompletion", True),
            "weight": _decimal(rollup, "objectiveMeasureWeight", 1.0),
            "required": {
                "satisfied": _word(needs, "requiredForSatisfied", "always"),
                "notSatisfied": _word(needs, "requiredForNotSatisfied", "always"),
                "completed": _word(needs, "requiredForCompleted", "always"),
                "incomplete": _word(needs, "requiredForIncomplete", "always"),
            },
            "rollup_rules": [
                self._rollup_rule(rule) for rule in _below(rollup) if _local(rule) == "rollupRule"
            ],
            "rules": [
                rule for each in _below(parts.get("sequencingRules")) for rule in self._rule(each)
            ],
            "objectives": _objectives(parts),
        }

    def _name_what_is_not_played(self, parts: dict[str, Element]) -> None:
        random, limits = parts.get("randomizationControls"), parts.get("limitConditions")
        if _word(random, "selectionTiming", "never") != "never":
            self.unsupported.add("selection of some activities (selectionTiming)")
        if _word(random, "randomizationTiming", "never") != "never":
            self.ignored.add("random order (randomizationTiming)")
        for name in () if limits is None else limits.keys():
            if name not in ("attemptLimit", "attemptAbsoluteDurationLimit"):
                self.unsupported.add(f"limit condition {name}")
        if _flag(parts.get("constrainedChoiceConsiderations"), "constrainChoice", False):
            self.ignored.add("constrainChoice")
        if _flag(parts.get("constrainedChoiceConsiderations"), "preventActivation", False):
            self.ignored.add("preventActivation")

    def _rollup_rule(self, rule: Element) -> Node:
        action = next((one for one in rule if _local(one) == "rollupAction"), None)
        return {
            "set": rule.get("childActivitySet", "all"),
            "count": _decimal(rule, "minimumCount", 0.0),
            "percent": _decimal(rule, "minimumPercent", 0.0),
            "action": _word(action, "action", ""),
            **self._conditions(rule, "rollupConditions", "any"),
        }

    def _rule(self, rule: Element) -> list[Node]:
        action = _word(next((one for one in rule if _local(one) == "ruleAction"), None), "action")
        known = {"preConditionRule": PRE, "postConditionRule": POST, "exitConditionRule": ("exit",)}
        if action not in known.get(_local(rule), ()):
            self.unsupported.add(f"sequencing rule with the action {action or 'that it lacks'}")
            return []
        conditions = self._conditions(rule, "ruleConditions", "all")
        kind = _local(rule).removesuffix("ConditionRule")
        return [{"kind": kind, "action": action, **conditions}]

    def _conditions(self, rule: Element, name: str, combination: str) -> Node:
        holder = next((one for one in rule if _local(one) == name), None)
        conditions = [
            {
                "condition": one.get("condition", ""),
                "not": one.get("operator") == "not",
                "objective": one.get("referencedObjective", ""),
                "measure": _decimal(one, "measureThreshold", 0.0),
            }
            for one in _below(holder)
        ]
        for one in conditions:
            if one["condition"] not in CONDITIONS:
                self.unsupported.add(f"condition {one['condition']}")
        return {
            "any": _word(holder, "conditionCombination", combination) == "any",
            "conditions": conditions,
        }


def _plays(shown: dict[str, Any]) -> bool:
    """Tell whether an item has a page in its subtree; others do not count for results."""
    return bool(shown["href"]) or any(_plays(child) for child in shown["children"])


def _run_time(item: Element, parts: dict[str, Element]) -> Node:
    primary = next(
        (one for one in _below(parts.get("objectives")) if _local(one) == "primaryObjective"), None
    )
    passing = None
    if _flag(primary, "satisfiedByMeasure", False):
        passing = _number(_text(primary, "minNormalizedMeasure"))
        passing = 1.0 if passing is None else passing
    presentation = [one.text or "" for one in item.iter() if _local(one) == "hideLMSUI"]
    return {
        "mastery_score": _number(_text(item, "masteryscore")),
        "launch_data": _text(item, "datafromlms") or _text(item, "dataFromLMS"),
        "max_time": _text(item, "maxtimeallowed")
        or _word(parts.get("limitConditions"), "attemptAbsoluteDurationLimit"),
        "time_limit_action": _text(item, "timelimitaction") or _text(item, "timeLimitAction"),
        "completion_threshold": _threshold(item),
        "scaled_passing_score": passing,
        "hidden_buttons": presentation if not any(_local(one) == "item" for one in item) else [],
        "shared": [
            {
                "id": one.get("targetID", ""),
                "read": _flag(one, "readSharedData", True),
                "write": _flag(one, "writeSharedData", True),
            }
            for holder in item
            if _local(holder) == "data"
            for one in holder
        ],
    }


def _objectives(parts: dict[str, Element]) -> list[Node]:
    """Return the local objectives, the primary one first, each with its maps."""
    found = [
        {
            "id": one.get("objectiveID", ""),
            "primary": _local(one) == "primaryObjective",
            "maps": [_map(each) for each in one if _local(each) == "mapInfo"],
        }
        for one in _below(parts.get("objectives"))
        if _local(one) in ("primaryObjective", "objective")
    ]
    if not any(one["primary"] for one in found):
        found.insert(0, {"id": "", "primary": True, "maps": []})
    return sorted(found, key=lambda one: not one["primary"])


def _map(element: Element) -> Node:
    return {
        "target": element.get("targetObjectiveID", ""),
        "read_status": _flag(element, "readSatisfiedStatus", True),
        "read_measure": _flag(element, "readNormalizedMeasure", True),
        "write_status": _flag(element, "writeSatisfiedStatus", False),
        "write_measure": _flag(element, "writeNormalizedMeasure", False),
    }


def _threshold(item: Element) -> float | None:
    element = next((one for one in item if _local(one) == "completionThreshold"), None)
    if element is None:
        return None
    # SCORM 2004 3rd Edition writes a number, the 4th attributes.
    if not (element.text or "").strip() and not _flag(element, "completedByMeasure", False):
        return None
    return _number((element.text or "").strip() or element.get("minProgressMeasure", "1"))


def _below(parent: Element | None) -> list[Element]:
    return [] if parent is None else [one for one in parent if isinstance(one.tag, str)]


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(parent: Element | None, name: str) -> str:
    found = next((one for one in _below(parent) if _local(one) == name), None)
    return (found.text or "").strip() if found is not None else ""


def _word(element: Element | None, name: str, default: str = "") -> str:
    return element.get(name, default).strip() if element is not None else default


def _flag(element: Element | None, name: str, default: bool) -> bool:
    return _word(element, name, str(default)).lower() in ("true", "1")


def _decimal(element: Element | None, name: str, default: float) -> float:
    number = _number(_word(element, name))
    return default if number is None else number


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
