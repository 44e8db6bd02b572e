"""The deterministic registration id, and the choice of course and attempt."""

import uuid
from collections.abc import Sequence

from ..platforms.identity import join


def registration_id(
    platform_identity: str,
    deployment_identity: str,
    resource_link_id: str,
    sub: str,
    course_id: str,
    attempt: int,
) -> str:
    """Return a registration's id in SCORM Cloud; equal arguments give the same id on every node.

    A UUID, because SCORM Cloud uses ids in paths, where only `[A-Za-z0-9_-]` is safe.
    """
    facts = join("registration", deployment_identity, resource_link_id, sub, course_id, attempt)
    return str(uuid.uuid5(uuid.UUID(platform_identity), facts))


def scorm_learner_id(platform_identity: str, sub: str) -> str:
    """Return a user's learner id in SCORM Cloud: opaque, one per platform and user."""
    return str(uuid.uuid5(uuid.UUID(platform_identity), join("learner", sub)))


def choose_course(override: str | None, custom: str | None, remembered: str | None) -> str | None:
    """Return the course of a resource link, or None without one.

    An instructor's choice wins, then `custom.scorm_course_id` (it survives a copy of the LMS
    course), then the link's former course. Values that start with `$` are substitutions that the
    LMS did not make (measured on Moodle 4.5.6); they are ignored.
    """
    for candidate in (override, custom, remembered):
        course = (candidate or "").strip()
        if course and not course.startswith("$"):
            return course
    return None


def choose_attempt(attempts: Sequence[int]) -> int:
    """Return the attempt that a launch resumes: the newest, or 1 without attempts."""
    return max(attempts, default=1)


def attempts_for(allowed: int, further: int) -> int:
    """Return how many attempts a learner has: the activity's and those granted to the learner.

    0 means no limit.
    """
    return allowed + further if allowed else 0


def allow_one_more(attempts: int, allowed: int, further: int) -> int:
    """Return the `further` that grants one more attempt to a learner with so many attempts.

    Also when the limit was lowered meanwhile. Not for activities without a limit.
    """
    return max(further, attempts - allowed) + 1


def may_begin_another(attempts: int, allowed: int, newest_finished: bool) -> bool:
    """Tell whether a learner may begin a new attempt: the newest is finished, one is left.

    `allowed` 0 means no limit.
    """
    return newest_finished and (allowed == 0 or attempts < allowed)
