"""Who is launching, decided from the roles claim (LTI 1.3 core, appendix A.2)."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
TEST_USER = "#TestUser"
# Short names are membership roles; so are LTI 1.1's, which some platforms still send.
OLD_MEMBERSHIP = "urn:lti:role:ims/lis/"

LEARNERS = {"Learner"}
INSTRUCTORS = {"Instructor", "ContentDeveloper", "Manager", "Officer"}
ADMINS = {"Administrator"}
LEARNERS_ELSEWHERE = {"Student", "Learner"}
INSTRUCTORS_ELSEWHERE = {"Instructor", "Faculty", "Staff"}
ADMINS_ELSEWHERE = {"Administrator", "SysAdmin", "SysSupport", "AccountAdmin", "Creator"}
# Sub-roles of Instructor that help with a course without being in charge of it.
ASSISTING = ("TeachingAssistant", "Grader", "GuestInstructor", "Lecturer", "SecondaryInstructor")


class Visitor(StrEnum):
    """What a launch may do: a learner takes a seat, all others preview; some manage."""

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
    """Return who launches.

    Membership (context) roles decide; institution and system roles count only when there is no
    membership role: a dean who is enrolled as a learner is a learner. Instructors who are also
    learners manage; assistants who are also learners learn. A test user always previews.
    """
    # However an LMS spells what stands before it: a seat for a test user would be worse.
    if any(role.endswith(TEST_USER) for role in roles):
        return Visitor.TEST_USER
    members = [(name, sub) for kind, name, sub in map(_split, roles) if kind == "membership"]
    if members:
        return _decide_member(members)
    names = {name for kind, name, _sub in map(_split, roles) if kind in ("institution", "system")}
    if names & ADMINS_ELSEWHERE:
        return Visitor.ADMIN
    if names & INSTRUCTORS_ELSEWHERE:
        return Visitor.INSTRUCTOR
    return Visitor.LEARNER if names & LEARNERS_ELSEWHERE else Visitor.STRANGER


def administers(roles: Sequence[str]) -> bool:
    """Tell whether somebody is an administrator of the LMS or of a part of it.

    Whatever they are in this course besides: an admin who teaches it is shown it as a teacher.
    """
    split = list(map(_split, roles))
    members = {name for kind, name, _sub in split if kind == "membership"}
    elsewhere = {name for kind, name, _sub in split if kind in ("institution", "system")}
    return bool(members & ADMINS or elsewhere & ADMINS_ELSEWHERE)


def is_masked(custom: Mapping[str, str], key: str) -> bool:
    """Tell whether somebody acts as the user: Canvas then fills in the custom parameter `key`.

    A value that starts with `$` was not filled in.
    """
    value = custom.get(key, "")
    return bool(value) and not value.startswith("$")


def _decide_member(members: Sequence[tuple[str, str]]) -> Visitor:
    # A platform sends the principal role beside the sub-role: only what stands without an
    # assisting sub-role of its own makes somebody a full instructor.
    assists = any(
        name == "TeachingAssistant" or (name == "Instructor" and sub.startswith(ASSISTING))
        for name, sub in members
    )
    names = {name for name, sub in members if not sub.startswith(ASSISTING)}
    if names & ADMINS:
        return Visitor.ADMIN
    if names & (INSTRUCTORS - {"Instructor"}) or ("Instructor" in names and not assists):
        return Visitor.INSTRUCTOR
    if names & LEARNERS:
        return Visitor.LEARNER
    return Visitor.ASSISTANT if assists else Visitor.STRANGER


def _split(role: str) -> tuple[str, str, str]:
    """Return (kind, principal name, sub-role): `…/membership/Instructor#Grader` has all three."""
    if not role.startswith(VOCABULARY):
        return _split_short(role.removeprefix(OLD_MEMBERSHIP))
    path, _, name = role.removeprefix(VOCABULARY).partition("#")
    kind, _, principal = path.partition("/")
    if kind == "membership" and principal:
        return kind, principal, name
    return kind, name, ""


def _split_short(role: str) -> tuple[str, str, str]:
    if ":" in role:
        return "unknown", role, ""
    name, _, sub = role.replace("/", "#").partition("#")
    return "membership", name, sub
