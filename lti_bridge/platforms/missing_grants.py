"""Scopes and claims that an LMS's admin has not granted the tool, and the consequences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..lms.tool_definition import AGS, SCOPES, short_scope

_LOSSES = {
    "lineitem": (
        "the bridge is to make missing gradebook columns and may not, so scores wait for the LMS "
        "to make them"
    ),
    "lineitem.readonly": "a gradebook column that the launch does not name is not found",
    "result.readonly": (
        "grades that people set in the LMS cannot be seen: ours are sent over them, and one that "
        "the gradebook lost is not found"
    ),
    "score": "no score reaches the gradebook",
    "contextmembership.readonly": "instructors see only those learners who have opened an activity",
}
SERIOUS = "score"
READS, READS_AND_WRITES = f"{AGS}lineitem.readonly", f"{AGS}lineitem"


@dataclass(frozen=True)
class MissingGrant:
    """One missing grant: what is lost without it, and how to grant it."""

    what: str
    loss: str
    how: str
    serious: bool = False


def our_scopes(claimed: Iterable[str]) -> list[str]:
    """Return the tool's scopes among those that a launch grants.

    `lineitem` includes `lineitem.readonly`.
    """
    granted = set(claimed)
    if READS_AND_WRITES in granted:
        granted.add(READS)
    return [s for s in SCOPES if s in granted]


def find_missing_grants(
    granted: Sequence[str] | None,
    shares_names: bool | None,
    privacy: str,
    *,
    makes_columns: bool = False,
) -> list[MissingGrant]:
    """Return the tool's missing grants; None for `granted` or `shares_names` means unknown.

    `makes_columns`: the tool creates gradebook columns, which needs one more scope.
    """
    ours = our_scopes(granted) if granted is not None else SCOPES
    missing = [s for s in SCOPES if s not in ours]
    if makes_columns and granted is not None and READS_AND_WRITES not in granted:
        missing.insert(0, READS_AND_WRITES)
    found = [
        MissingGrant(
            what=f"scope {short_scope(scope)}",
            loss=_LOSSES[short_scope(scope)],
            how=f"Grant the tool the scope {scope}.",
            serious=short_scope(scope) == SERIOUS,
        )
        for scope in missing
    ]
    if shares_names is False and privacy == "named":
        found.append(
            MissingGrant(
                what="names and email addresses",
                loss="SCORM Cloud and the bridge's pages show numbers instead of people",
                how="Let the LMS share the launcher's name and email with the tool, "
                "or set the platform to pseudonymous.",
            )
        )
    return found
