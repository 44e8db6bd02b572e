"""Migration of data directories of earlier versions."""

from typing import Any

from lti_sandbox.practice_scorm_cloud.manifest import leaves, one_page
from lti_sandbox.practice_scorm_cloud.results import Document, new_result, state_of
from lti_sandbox.practice_scorm_cloud.store import Store, dump, load


def upgrade(store: Store) -> None:
    """Give courses of one page their tree, and registrations the state of that page.

    A course of several pages was played as one, and still is until it is imported again.
    """
    trees: dict[tuple[str, int], Document] = {}
    with store.transaction():
        for row in store.all("SELECT document FROM course"):
            course = load(row["document"])
            if "activities" not in course:
                course["activities"] = _tree(course)
                key = (course["id"], course["version"])
                trees[key] = course["activities"]
                sql = "UPDATE course SET document = ? WHERE id = ? AND version = ?"
                store.run(sql, dump(course), *key)
        if not trees:
            return
        store.run("DELETE FROM session")
        store.run("DELETE FROM pending")
        for row in store.all("SELECT id, results FROM registration"):
            results = dump([_result(one, trees) for one in load(row["results"])])
            store.run(
                "UPDATE registration SET results = ?, seen = ? WHERE id = ?",
                *(results, results, row["id"]),
            )


def _tree(course: Document) -> Document:
    tree = one_page(course["root"]["externalIdentifier"], course["title"])
    tree["standard"] = course["standard"]
    next(leaves(tree)).update(course["sco"])
    return tree


def _result(old: Document, trees: dict[tuple[str, int], Document]) -> Document:
    course = old["course"]
    tree = trees.get((course["id"], course["version"]))
    if tree is None or "tree" in old:
        return old
    fresh = new_result(old["instance"], old["created"], {**course, "activities": tree})
    kept: dict[str, Any] = {**fresh, **old}
    cmi, attempts = kept.pop("cmi"), kept.pop("attempts")
    outcome = {key: kept[key] for key in ("completion", "success", "scaled", "seconds")}
    suspended = cmi.get("exit") == "suspend"
    state_of(kept, next(leaves(tree))["id"]).update(
        outcome, cmi=cmi, attempts=attempts, suspended=suspended
    )
    return kept
