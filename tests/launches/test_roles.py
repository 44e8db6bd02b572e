"""Who is launching, from the roles claim."""

import pytest

from lti_bridge.launches.roles import (
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


@pytest.mark.parametrize(
    "roles, visitor",
    [
        ([MEMBER + "Learner"], Visitor.LEARNER),
        (["Learner"], Visitor.LEARNER),
        (["urn:lti:role:ims/lis/Learner"], Visitor.LEARNER),
        ([MEMBER + "Learner", INSTITUTION + "Administrator"], Visitor.LEARNER),
        ([MEMBER + "Learner", SYSTEM + "SysAdmin"], Visitor.LEARNER),
        ([SUB + "Learner#GuestLearner"], Visitor.LEARNER),
        ([MEMBER + "Instructor"], Visitor.INSTRUCTOR),
        (["Instructor"], Visitor.INSTRUCTOR),
        ([MEMBER + "ContentDeveloper"], Visitor.INSTRUCTOR),
        ([SUB + "Instructor#PrimaryInstructor"], Visitor.INSTRUCTOR),
        ([MEMBER + "Learner", MEMBER + "Instructor"], Visitor.INSTRUCTOR),
        ([MEMBER + "Administrator"], Visitor.ADMIN),
        ([MEMBER + "Instructor", INSTITUTION + "Administrator"], Visitor.INSTRUCTOR),
        ([SUB + "Instructor#TeachingAssistant"], Visitor.ASSISTANT),
        ([MEMBER + "Instructor", SUB + "Instructor#TeachingAssistant"], Visitor.ASSISTANT),
        ([SUB + "Instructor#TeachingAssistantTemplate"], Visitor.ASSISTANT),
        ([SUB + "Instructor#TeachingAssistant", MEMBER + "Learner"], Visitor.LEARNER),
        (["Instructor#TeachingAssistant"], Visitor.ASSISTANT),
        (["urn:lti:role:ims/lis/TeachingAssistant"], Visitor.ASSISTANT),
        (["TeachingAssistant/Grader"], Visitor.ASSISTANT),
        ([INSTITUTION + "Student"], Visitor.LEARNER),
        ([INSTITUTION + "Faculty"], Visitor.INSTRUCTOR),
        ([INSTITUTION + "Student", INSTITUTION + "Staff"], Visitor.INSTRUCTOR),
        ([SYSTEM + "Administrator"], Visitor.ADMIN),
        ([INSTITUTION + "Guest"], Visitor.STRANGER),
        ([MEMBER + "Mentor"], Visitor.STRANGER),
        ([MEMBER + "Mentor", INSTITUTION + "Student"], Visitor.STRANGER),
        ([VOCABULARY + "uknownrole/unknown#Helper"], Visitor.STRANGER),
        (["http://other.example/roles#Learner"], Visitor.STRANGER),
        ([], Visitor.STRANGER),
        ([TEST_USER], Visitor.TEST_USER),
        ([MEMBER + "Learner", TEST_USER], Visitor.TEST_USER),
        ([MEMBER + "Instructor", TEST_USER], Visitor.TEST_USER),
    ],
)
def test_roles_decide_who_launches(roles, visitor):
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
    ids=["an admin who teaches", "of the system", "of the course", "a teacher", "nobody"],
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
def test_somebody_may_act_as_the_user(custom, masked):
    assert is_masked(custom, "masquerading_user") is masked
