"""Decide what a launching user may do from the roles claim (LTI 1.3 core, appendix A.2)."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
TEST_USER = "#TestUser"
# Short names are membership roles. LTI 1.1 wrote roles as URNs, and LTI 2 had one vocabulary for
# institution and system; some platforms still send either.
URN_KINDS = {
    "urn:lti:role:ims/lis/": "membership",
    "urn:lti:instrole:ims/lis/": "institution",
    "urn:lti:sysrole:ims/lis/": "system",
}
ELSEWHERE = ("institution", "system", "person")

LEARNERS = {"Learner"}
INSTRUCTORS = {"Instructor", "ContentDeveloper", "Manager", "Officer"}
ADMINS = {"Administrator"}
ADMINS_ELSEWHERE = {"Administrator", "SysAdmin"}
# Sub-roles of Instructor without responsibility for the course.
ASSISTING = ("TeachingAssistant", "Grader", "GuestInstructor", "Lecturer", "SecondaryInstructor")
# Sub-roles of Manager that may only view.
OBSERVING = ("Observer", "ExternalObserver")


class Visitor(StrEnum):
    """The kind of user: a LEARNER takes a registration, all others preview; some manage."""

    LEARNER = "learner"
    INSTRUCTOR = "instructor"
    ADMIN = "admin"
    ASSISTANT = "assistant"
    TEST_USER = "test user"
    SWITCHED = "staff in a student's role"
    MASKED = "somebody acting as this user"
    STRANGER = "stranger"

    @property
    def manages(self) -> bool:
        """Tell whether this visitor may change the activity."""
        return self in (Visitor.INSTRUCTOR, Visitor.ADMIN)

    @property
    def is_staff(self) -> bool:
        """Tell whether this visitor may see the activity's learners and grades."""
        return self.manages or self is Visitor.ASSISTANT


def decide_visitor(roles: Sequence[str]) -> Visitor:
    """Return the kind of user that launches; a STRANGER is not enrolled in the context.

    Context roles decide who learns, teaches or assists: a dean enrolled as a learner is a learner,
    and staff who are not enrolled are strangers. Without a context role, an administrator of the
    institution or the system is an admin. Staff who are also learners are staff. A test user always
    previews.
    """
    # With any prefix: a registration for a test user would be worse than a wrong preview.
    if any(role.endswith(TEST_USER) for role in roles):
        return Visitor.TEST_USER
    split = list(map(_split, roles))
    members = [(name, sub) for kind, name, sub in split if kind == "membership"]
    if members:
        return _decide_member(members)
    return Visitor.ADMIN if _administers_elsewhere(split) else Visitor.STRANGER


def administers(roles: Sequence[str]) -> bool:
    """Tell whether a user is an administrator of the LMS or of a part of it.

    Regardless of the context roles: an admin who teaches the course launches as an instructor.
    """
    split = list(map(_split, roles))
    members = {name for kind, name, _sub in split if kind == "membership"}
    return bool(members & ADMINS) or _administers_elsewhere(split)


def _administers_elsewhere(roles: Sequence[tuple[str, str, str]]) -> bool:
    return any(kind in ELSEWHERE and name in ADMINS_ELSEWHERE for kind, name, _sub in roles)


def is_masked(custom: Mapping[str, str], key: str) -> bool:
    """Tell whether an admin acts as the user: Canvas then fills in custom parameter `key`.

    A value that starts with `$` was not substituted.
    """
    value = custom.get(key, "")
    return bool(value) and not value.startswith("$")


def _decide_member(members: Sequence[tuple[str, str]]) -> Visitor:
    # Platforms send the principal role together with the sub-role: a principal role gives full
    # rights only where no weaker sub-role of it is sent.
    weaker = {name for name, sub in members if sub.startswith((*ASSISTING, *OBSERVING))}
    names = {name for name, _sub in members} - weaker
    if names & ADMINS:
        return Visitor.ADMIN
    assists = "Instructor" in weaker or any(name == "TeachingAssistant" for name, _ in members)
    if names & (INSTRUCTORS - {"Instructor"}) or ("Instructor" in names and not assists):
        return Visitor.INSTRUCTOR
    if assists:
        return Visitor.ASSISTANT
    return Visitor.LEARNER if names & LEARNERS else Visitor.STRANGER


def _split(role: str) -> tuple[str, str, str]:
    """Return (kind, principal name, sub-role): `…/membership/Instructor#Grader` has all three."""
    for prefix, kind in URN_KINDS.items():
        if role.startswith(prefix):
            return (kind, *_split_short(role.removeprefix(prefix)))
    if not role.startswith(VOCABULARY):
        return ("unknown", role, "") if ":" in role else ("membership", *_split_short(role))
    path, _, name = role.removeprefix(VOCABULARY).partition("#")
    kind, _, principal = path.partition("/")
    if kind == "membership" and principal:
        return kind, principal, name
    return kind, name, ""


def _split_short(role: str) -> tuple[str, str]:
    name, _, sub = role.replace("/", "#").partition("#")
    return name, sub
