"""What may be chosen of a grading policy, and what people read of each choice."""

import dataclasses

import pytest

from lti_bridge.core.config import PassbackSettings
from lti_bridge.registrations.grading import (
    POLICY_PARTS,
    GradingAnswer,
    GradingPolicy,
    TeacherGrade,
    make_policy,
)

KINDS = [type(getattr(GradingPolicy(), name)) for name in POLICY_PARTS]


@pytest.mark.parametrize("answer", list(GradingAnswer), ids=str)
def test_answer_is_told_to_learners(answer):
    words = answer.words

    assert words.counted.format(score=50, counts=80).count("80") == 1
    assert words.offered.endswith(".")
    assert "attempt 3" in words.repeated.format(number=3)


@pytest.mark.parametrize("kind", KINDS, ids=POLICY_PARTS)
def test_each_choice_has_words_of_its_own(kind):
    labels = [one.label for one in kind]

    assert all(labels)
    assert len(set(labels)) == len(labels) > 1


def test_settings_offer_what_a_policy_knows():
    (rules,) = [
        one.metadata for one in dataclasses.fields(PassbackSettings) if one.name == "teacher_grade"
    ]

    assert rules["one_of"] == tuple(TeacherGrade)


def test_later_layers_win_and_nonsense_does_not_count():
    policy = make_policy({"answer": "latest", "partial": "send"}, {"answer": "no such"}, None)

    assert policy.answer is GradingAnswer.LATEST
    assert policy.partial == "send"
