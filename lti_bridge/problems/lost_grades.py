"""Delivered grades that are no longer in the gradebook; a user decides what to do."""

from collections.abc import Iterator

from ..audit.actor import Scope
from ..core.plain_text import counted
from ..ops.kept_checks import platform_subject
from ..passback.actions.comparison import Loss, find_losses
from ..platforms.models import Platform
from .causes import EITHER
from .problem import GRADES_WAIT, Problem, ProblemKind
from .stuck_grades import NAMED_AT_MOST

LOST, CLEARED = "lost", "cleared"


def find_lost(scope: Scope, platforms: dict[int, Platform]) -> Iterator[Problem]:
    """Yield a problem per platform with grades that were lost or cleared in the gradebook.

    Reads in the caller's transaction.
    """
    groups: dict[int, list[Loss]] = {}
    for loss in find_losses(scope.platform_id):
        if scope.deployment_id in (None, loss.deployment_id):
            groups.setdefault(loss.platform_id, []).append(loss)
    for platform_id, losses in groups.items():
        platform = platforms[platform_id]
        for cause in (LOST, CLEARED):
            if any(_count(one, cause) for one in losses):
                yield _problem(platform, losses, cause)


def _count(loss: Loss, cause: str) -> int:
    return loss.lost if cause == LOST else loss.cleared


def _problem(platform: Platform, losses: list[Loss], cause: str) -> Problem:
    mine = [one for one in losses if _count(one, cause)]
    grades = counted(sum(_count(one, cause) for one in mine), "grade")
    happened = "has no entry any more for" if cause == LOST else "was emptied by a person of"
    often = (
        "So many were lost, as after a course reset, that none is sent again by itself."
        if cause == LOST
        else "Cleared, or the learners excused, in the LMS."
    )
    return Problem(
        kind=ProblemKind.GRADES_GONE,
        subject=platform_subject(platform.id),
        cause=cause,
        what=f"The gradebook of {platform.name} {happened} {grades} that arrived",
        detail=often,
        since=min(one.compared_at for one in mine),
        who=EITHER,
        how="Open the activity's gradebook here: send ours again, or leave it as it is.",
        learners=sum(_count(one, cause) for one in mine),
        serious=cause == LOST,
        told_after=GRADES_WAIT,
        platform_id=platform.id,
        row_id=platform.id,
        activities=tuple((one.link_id, _count(one, cause)) for one in mine[:NAMED_AT_MOST]),
    )
