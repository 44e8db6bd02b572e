"""Navigation in a course: the menu, the next and previous activity, sequencing rules.

The names are those of SCORM 2004 Sequencing and Navigation; in SCORM 1.2 everything may be chosen.
An activity that cannot be delivered is never replaced by another.
"""

import re
from dataclasses import dataclass

from lti_sandbox.player.course_rollup import condition_holds
from lti_sandbox.practice_scorm_cloud.manifest import leaves
from lti_sandbox.practice_scorm_cloud.results import Document, state_of

TARGET = re.compile(r"\{target=([^}]*)\}(choice|jump)")


@dataclass(frozen=True)
class Move:
    """The result of a navigation request: an activity to deliver, the end, or neither."""

    activity: Document | None = None
    ends: bool = False
    sentence: str = ""


def find_node(tree: Document, identifier: str | None) -> Document | None:
    """Return an activity of a tree, or None."""
    return _path(tree, identifier)[-1] if identifier and _path(tree, identifier) else None


def start(result: Document) -> Move:
    """Return where a session begins: where the last one was suspended, or at the first page."""
    tree = result["tree"]
    suspended = find_node(tree, result["suspended_at"])
    pages = list(leaves(tree))
    if suspended is not None:
        return Move(suspended)
    if len(pages) == 1:
        return Move(pages[0])
    return _flow(result, None, forward=True) or Move(sentence="Choose a page from the menu.")


def move(result: Document, current: Document | None, request: str) -> Move:
    """Decide a navigation request of the learner or of the SCO; `current` has ended already."""
    tree = result["tree"]
    if current is not None and not state_of(result, current["id"])["suspended"]:
        request, current = _after_rules(result, current, request)
    if request == "exitAll":
        return Move(ends=True)
    if request == "retry" and current is not None:
        return Move(_first_page(result, current))
    target = TARGET.fullmatch(request)
    if target:
        wanted = find_node(tree, target[1])
        if wanted is None or not _choosable(result, current, wanted, target[2] == "jump"):
            return Move(current, sentence="This page cannot be opened now.")
        return Move(_first_page(result, wanted))
    if request in ("continue", "previous"):
        found = _flow(result, current, forward=request == "continue")
        if found is not None:
            return found
        return Move(sentence="There is no further page. Choose one from the menu, or exit.")
    return Move(sentence="Choose a page from the menu, or exit the course.")


def menu(result: Document, current: Document | None) -> Document:
    """Return the player's menu: every activity, and the possible moves."""
    hidden = current["hidden_buttons"] if current else []
    return {
        "items": _items(result, result["tree"], current, 0),
        "next": _flow(result, current, forward=True) is not None and "continue" not in hidden,
        "previous": _flow(result, current, forward=False) is not None and "previous" not in hidden,
    }


def _items(
    result: Document, node: Document, current: Document | None, depth: int
) -> list[Document]:
    found: list[Document] = []
    for child in node["children"]:
        if not child["visible"] or _rule(result, child, "hiddenFromChoice"):
            continue
        state = state_of(result, child["id"])
        found.append(
            {
                "id": child["id"],
                "title": child["title"],
                "depth": depth,
                "page": not child["children"],
                "completion": state["completion"],
                "success": state["success"],
                "choice": _choosable(result, current, child, False),
            }
        )
        found += _items(result, child, current, depth + 1)
    return found


def _path(node: Document, identifier: str | None) -> list[Document]:
    """Return the activities from the root to one, both included; nothing when it is not there."""
    if node["id"] == identifier:
        return [node]
    for child in node["children"]:
        below = _path(child, identifier)
        if below:
            return [node, *below]
    return []


def _rule(result: Document, node: Document, action: str) -> bool:
    return any(
        rule["kind"] == "pre" and rule["action"] == action and condition_holds(result, node, rule)
        for rule in node["rules"]
    )


def _deliverable(result: Document, path: list[Document]) -> bool:
    return not any(
        _rule(result, node, "disabled")
        or (
            node["attempt_limit"] is not None
            and not node["children"]
            and state_of(result, node["id"])["attempts"] >= node["attempt_limit"]
        )
        for node in path
    )


def _flow(result: Document, current: Document | None, *, forward: bool) -> Move | None:
    tree = result["tree"]
    pages = list(leaves(tree))
    own = [pages.index(page) for page in leaves(current)] if current else [-1]
    path = _path(tree, current["id"]) if current else [tree]
    for page in pages[own[-1] + 1 :] if forward else reversed(pages[: max(own[0], 0)]):
        there = _path(tree, page["id"])
        shared = [node for node in path if node in there]
        between = [node for node in [*path, *there] if node not in shared and node["children"]]
        if not all(node["flow"] for node in [shared[-1], *between]):
            return None
        if not forward and shared[-1]["forward_only"]:
            return None
        if any(_rule(result, node, "skip") for node in there if node not in shared):
            continue
        left = [node for node in path if node not in shared]
        if forward and any(_rule(result, node, "stopForwardTraversal") for node in left):
            return None
        return Move(page) if _deliverable(result, there) else None
    return None


def _choosable(result: Document, current: Document | None, wanted: Document, jump: bool) -> bool:
    there = _path(result["tree"], wanted["id"])
    if not _deliverable(result, there) or _first_page(result, wanted) is None:
        return False
    if jump:
        return True
    parent = there[-2] if len(there) > 1 else there[-1]
    left = _path(result["tree"], current["id"]) if current else []
    hidden = any(_rule(result, node, "hiddenFromChoice") for node in there)
    stays = all(node["choice_exit"] for node in left if node["children"] and node not in there)
    return bool(parent["choice"]) and stays and not hidden


def _first_page(result: Document, node: Document) -> Document | None:
    """Return the page that choosing an activity opens: its own, or the first below by flow."""
    if not node["children"]:
        return node
    for child in node["children"] if node["flow"] else []:
        if not _rule(result, child, "skip"):
            return _first_page(result, child)
    return None


def _after_rules(result: Document, current: Document, request: str) -> tuple[str, Document]:
    """Apply exit and post-condition rules, which may replace the request.

    Returns the request and the activity that it starts from.
    """
    path = _path(result["tree"], current["id"])
    for node in path[:-1]:
        if _applies(result, node, "exit"):
            path = _path(result["tree"], node["id"])
            break
    while path:
        action = _applies(result, path[-1], "post")
        if action != "exitParent":
            return action or request, path[-1]
        path = path[:-1]
    return "exitAll", current


def _applies(result: Document, node: Document, kind: str) -> str:
    return next(
        (
            str(rule["action"])
            for rule in node["rules"]
            if rule["kind"] == kind and condition_holds(result, node, rule)
        ),
        "",
    )
