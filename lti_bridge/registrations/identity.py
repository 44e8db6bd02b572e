"""Which registration is theirs: the deterministic id, the course, and the attempt."""

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
    """Return a registration's id in SCORM Cloud: same facts, same id, on every node, always.

    A UUID, because SCORM Cloud's ids travel in paths and only `[A-Za-z0-9_-]` is safe there.
    """
    facts = join("registration", deployment_identity, resource_link_id, sub, course_id, attempt)
    return str(uuid.uuid5(uuid.UUID(platform_identity), facts))


def scorm_learner_id(platform_identity: str, sub: str) -> str:
    """Return the id under which SCORM Cloud knows a user: opaque, one per platform and user."""
    return str(uuid.uuid5(uuid.UUID(platform_identity), join("learner", sub)))


def choose_course(override: str | None, custom: str | None, remembered: str | None) -> str | None:
    """Return the course of a resource link, or None when nobody has chosen one.

    An instructor's override wins; `custom.scorm_course_id` survives a course copy; what the link
    had before is used when neither is there. Values that start with `$` are substitutions that
    the LMS did not make (measured on Moodle 4.5.6), so they are unset.
    """
    for candidate in (override, custom, remembered):
        course = (candidate or "").strip()
        if course and not course.startswith("$"):
            return course
    return None


def choose_attempt(attempts: Sequence[int]) -> int:
    """Return the attempt that a launch resumes: the newest one, or the first ever."""
    return max(attempts, default=1)


def attempts_for(allowed: int, further: int) -> int:
    """Return how many attempts one learner has: the activity's, and those that they were given.

    0 means no limit.
    """
    return allowed + further if allowed else 0


def allow_one_more(attempts: int, allowed: int, further: int) -> int:
    """Return the `further` with which a learner who made so many attempts has one more.

    A limit that was lowered since takes nothing of it away. Not for activities without a limit.
    """
    return max(further, attempts - allowed) + 1


def may_begin_another(attempts: int, allowed: int, newest_finished: bool) -> bool:
    """Tell whether a learner may begin a new attempt: the newest is finished and one is left.

    `allowed` 0 means no limit.
    """
    return newest_finished and (allowed == 0 or attempts < allowed)
