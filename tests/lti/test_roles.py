"""Who is launching, from the roles claim."""

import pytest

from lti_bridge.lti.roles import (
    TEST_USER,
    VOCABULARY,
    Visitor,
    administers,
    decide_visitor,
    is_masked,
)

MEMBER = VOCABULARY + "membership#"
SUB = VOCABULARY + "membership/"
INSTITUTION = VOCABULARY + "institution/person#"
SYSTEM = VOCABULARY + "system/person#"
OLD = {
    "membership": "urn:lti:role:ims/lis/",
    "institution": "urn:lti:instrole:ims/lis/",
    "system": "urn:lti:sysrole:ims/lis/",
}


# Every role of the LIS vocabulary (LTI 1.3 core, appendix A.2) and what it makes of its bearer.
MEMBERS = {
    "Administrator": Visitor.ADMIN,
    "ContentDeveloper": Visitor.INSTRUCTOR,
    "Instructor": Visitor.INSTRUCTOR,
    "Learner": Visitor.LEARNER,
    "Mentor": Visitor.STRANGER,
    "Manager": Visitor.INSTRUCTOR,
    "Member": Visitor.STRANGER,
    "Officer": Visitor.INSTRUCTOR,
}
SUB_ROLES = {
    "Administrator": (
        ("Administrator", "Developer", "ExternalDeveloper", "ExternalSupport"),
        ("ExternalSystemAdministrator", "Support", "SystemAdministrator"),
    ),
    "ContentDeveloper": (
        ("ContentDeveloper", "ContentExpert", "ExternalContentExpert", "Librarian"),
    ),
    "Instructor": (("ExternalInstructor", "PrimaryInstructor"),),
    "Learner": (("ExternalLearner", "GuestLearner", "Instructor", "Learner", "NonCreditLearner"),),
    "Manager": (("AreaManager", "CourseCoordinator", "Manager"),),
    "Mentor": (
        ("Advisor", "Auditor", "ExternalAdvisor", "ExternalAuditor", "ExternalLearningFacilitator"),
        ("ExternalMentor", "ExternalReviewer", "ExternalTutor", "LearningFacilitator", "Mentor"),
        ("Reviewer", "Tutor"),
    ),
    "Member": (("Member",),),
    "Officer": (("Chair", "Communications", "Secretary", "Treasurer", "Vice-Chair"),),
}
ASSISTANTS = (
    ("Grader", "GuestInstructor", "Lecturer", "SecondaryInstructor", "TeachingAssistant"),
    ("TeachingAssistantGroup", "TeachingAssistantOffering", "TeachingAssistantSection"),
    ("TeachingAssistantSectionAssociation", "TeachingAssistantTemplate"),
)
OBSERVERS = ("Observer", "ExternalObserver")
ELSEWHERE = {
    "institution": (
        ("Administrator", "Alumni", "Faculty", "Guest", "Instructor", "Learner", "Member"),
        ("Mentor", "None", "Observer", "Other", "ProspectiveStudent", "Staff", "Student"),
    ),
    "system": (
        ("AccountAdmin", "Administrator", "Creator", "None", "SysAdmin", "SysSupport", "User"),
    ),
}
ADMINS_ELSEWHERE = ("Administrator", "SysAdmin")


def sub_roles() -> list[tuple[str, str, Visitor]]:
    told = [(name, sub, MEMBERS[name]) for name, rows in SUB_ROLES.items() for sub in sum(rows, ())]
    told += [("Instructor", sub, Visitor.ASSISTANT) for sub in sum(ASSISTANTS, ())]
    return told + [("Manager", sub, Visitor.STRANGER) for sub in OBSERVERS]


def spelt() -> list[tuple[list[str], Visitor]]:
    """Return every role in its full, short and old spelling, with what it makes of its bearer."""
    found = []
    for name, visitor in MEMBERS.items():
        spellings = (MEMBER + name, name, OLD["membership"] + name)
        found += [([role], visitor) for role in spellings]
    for name, sub, visitor in sub_roles():
        spellings = (f"{SUB}{name}#{sub}", f"{name}#{sub}", f"{name}/{sub}")
        old = f"{OLD['membership']}{name}/{sub}"
        found += [([role], visitor) for role in (*spellings, old)]
        found += [([role, MEMBER + name], visitor) for role in spellings]
    for kind, rows in ELSEWHERE.items():
        for name in sum(rows, ()):
            visitor = Visitor.ADMIN if name in ADMINS_ELSEWHERE else Visitor.STRANGER
            full, lti_2 = f"{VOCABULARY}{kind}/person#{name}", f"{VOCABULARY}person#{name}"
            found += [([role], visitor) for role in (full, lti_2, OLD[kind] + name)]
    return found


@pytest.mark.parametrize(
    "roles, visitor", [pytest.param(*one, id=" ".join(one[0])) for one in spelt()]
)
def test_every_role_in_every_spelling(roles, visitor):
    assert decide_visitor(roles) is visitor
    assert decide_visitor(roles[::-1]) is visitor


@pytest.mark.parametrize(
    "roles, visitor",
    [
        ([MEMBER + "Learner", INSTITUTION + "Administrator"], Visitor.LEARNER),
        ([MEMBER + "Learner", SYSTEM + "SysAdmin"], Visitor.LEARNER),
        ([MEMBER + "Learner", INSTITUTION + "Faculty"], Visitor.LEARNER),
        ([MEMBER + "Learner", MEMBER + "Instructor"], Visitor.INSTRUCTOR),
        ([MEMBER + "Learner", MEMBER + "Mentor"], Visitor.LEARNER),
        ([MEMBER + "Instructor", INSTITUTION + "Administrator"], Visitor.INSTRUCTOR),
        ([MEMBER + "ContentDeveloper", SUB + "Instructor#TeachingAssistant"], Visitor.INSTRUCTOR),
        ([SUB + "Instructor#TeachingAssistant", MEMBER + "Learner"], Visitor.ASSISTANT),
        (["urn:lti:role:ims/lis/TeachingAssistant"], Visitor.ASSISTANT),
        (["urn:lti:role:ims/lis/TeachingAssistant/TeachingAssistantSection"], Visitor.ASSISTANT),
        (["TeachingAssistant/Grader"], Visitor.ASSISTANT),
        ([INSTITUTION + "Student", INSTITUTION + "Staff"], Visitor.STRANGER),
        ([INSTITUTION + "Faculty", SYSTEM + "Administrator"], Visitor.ADMIN),
        ([MEMBER + "Mentor", INSTITUTION + "Student"], Visitor.STRANGER),
        ([MEMBER + "Mentor", INSTITUTION + "Administrator"], Visitor.STRANGER),
        ([VOCABULARY + "uknownrole/unknown#Helper"], Visitor.STRANGER),
        (["http://other.example/roles#Learner"], Visitor.STRANGER),
        ([], Visitor.STRANGER),
        ([TEST_USER], Visitor.TEST_USER),
        ([MEMBER + "Learner", TEST_USER], Visitor.TEST_USER),
        ([MEMBER + "Instructor", TEST_USER], Visitor.TEST_USER),
    ],
    ids=lambda value: (
        ", ".join(role.rpartition("/")[2] for role in value) or "none"
        if isinstance(value, list)
        else value.name
    ),
)
def test_roles_together_decide_who_launches(roles, visitor):
    assert decide_visitor(roles) is visitor
    assert decide_visitor(roles[::-1]) is visitor


@pytest.mark.parametrize(
    "visitor, manages, is_staff",
    [
        (Visitor.ADMIN, True, True),
        (Visitor.INSTRUCTOR, True, True),
        (Visitor.ASSISTANT, False, True),
        (Visitor.TEST_USER, False, False),
        (Visitor.STRANGER, False, False),
        (Visitor.LEARNER, False, False),
    ],
    ids=["ADMIN", "INSTRUCTOR", "ASSISTANT", "TEST_USER", "STRANGER", "LEARNER"],
)
def test_only_full_staff_manages(visitor, manages, is_staff):
    assert (visitor.manages, visitor.is_staff) == (manages, is_staff)


@pytest.mark.parametrize(
    "roles, admin",
    [
        ([INSTITUTION + "Administrator", MEMBER + "Instructor"], True),
        ([SYSTEM + "SysAdmin"], True),
        ([MEMBER + "Administrator"], True),
        ([MEMBER + "Instructor", INSTITUTION + "Instructor"], False),
        ([], False),
    ],
    ids=["an admin who teaches", "of the system", "of the course", "a teacher", "no role"],
)
def test_admins_are_known_beside_other_roles(roles, admin):
    assert administers(roles) is admin


@pytest.mark.parametrize(
    "custom, masked",
    [
        ({}, False),
        ({"masquerading_user": ""}, False),
        ({"masquerading_user": "$Canvas.masqueradingUser.id"}, False),
        ({"masquerading_user": "17"}, True),
    ],
    ids=["not asked", "empty", "not filled in", "filled in"],
)
def test_another_user_may_act_as_the_user(custom, masked):
    assert is_masked(custom, "masquerading_user") is masked
