"""Who is launching, decided from the roles claim (LTI 1.3 core, appendix A.2)."""

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
# Sub-roles of Instructor that help with a course without being in charge of it.
ASSISTING = ("TeachingAssistant", "Grader", "GuestInstructor", "Lecturer", "SecondaryInstructor")
# Sub-roles of Manager that only look.
OBSERVING = ("Observer", "ExternalObserver")


class Visitor(StrEnum):
    """What a launch may do: a learner takes a registration, all others preview; some manage."""

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
        """Tell whether this visitor is shown what is behind the activity."""
        return self.manages or self is Visitor.ASSISTANT


def decide_visitor(roles: Sequence[str]) -> Visitor:
    """Return who launches; a STRANGER is not enrolled here.

    Membership (context) roles alone decide who learns, teaches or assists: a dean who is enrolled
    as a learner is a learner, and a member of staff who is not enrolled is nobody here. Without
    one, an administrator of the institution or the system is an admin. Staff who are also
    learners are staff. A test user always previews.
    """
    # However an LMS spells what stands before it: a registration for a test user would be worse.
    if any(role.endswith(TEST_USER) for role in roles):
        return Visitor.TEST_USER
    split = list(map(_split, roles))
    members = [(name, sub) for kind, name, sub in split if kind == "membership"]
    if members:
        return _decide_member(members)
    return Visitor.ADMIN if _administers_elsewhere(split) else Visitor.STRANGER


def administers(roles: Sequence[str]) -> bool:
    """Tell whether somebody is an administrator of the LMS or of a part of it.

    Whatever they are in this course besides: an admin who teaches it is shown it as a teacher.
    """
    split = list(map(_split, roles))
    members = {name for kind, name, _sub in split if kind == "membership"}
    return bool(members & ADMINS) or _administers_elsewhere(split)


def _administers_elsewhere(roles: Sequence[tuple[str, str, str]]) -> bool:
    return any(kind in ELSEWHERE and name in ADMINS_ELSEWHERE for kind, name, _sub in roles)


def is_masked(custom: Mapping[str, str], key: str) -> bool:
    """Tell whether somebody acts as the user: Canvas then fills in the custom parameter `key`.

    A value that starts with `$` was not filled in.
    """
    value = custom.get(key, "")
    return bool(value) and not value.startswith("$")


def _decide_member(members: Sequence[tuple[str, str]]) -> Visitor:
    # A platform sends the principal role beside the sub-role: only what stands without a weaker
    # sub-role of its own counts in full.
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
