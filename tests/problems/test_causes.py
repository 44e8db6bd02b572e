"""Every sentence that keeps a score has a cause with a person who can end it."""

import pytest

from lti_bridge.lms.registry import ALL
from lti_bridge.lms.score_replies import Reply, ScoreRejected, TryLater
from lti_bridge.passback.rules import reasons
from lti_bridge.passback.rules.plan import NOT_GRANTED
from lti_bridge.problems.causes import why_parked, why_waiting

REPLIES = (
    Reply(429),
    Reply(500),
    Reply(503, retry_after=60),
    Reply(302),
    Reply(200, "<!doctype html>"),
    Reply(403, "403 Forbidden (Rate Limit Exceeded)"),
)
REFUSALS = (
    Reply(400),
    Reply(403),
    Reply(404),
    Reply(412),
    Reply(418),
    Reply(422, '{"errors": {"message": "not a student"}}'),
    Reply(500, "[]"),
)


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.status} {reply.excerpt[:9]}")
def test_answer_that_is_tried_again_is_a_cause(lms, reply):
    outcome = lms.read_reply(reply)

    if isinstance(outcome, TryLater):
        assert why_waiting(outcome.reason) is not None


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
def test_some_answers_are_tried_again(lms):
    assert any(isinstance(lms.read_reply(reply), TryLater) for reply in REPLIES)


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
@pytest.mark.parametrize("reply", REFUSALS, ids=lambda reply: f"{reply.status} {reply.excerpt[:9]}")
def test_refusal_names_who_can_end_it(lms, reply):
    outcome = lms.read_reply(reply)

    if isinstance(outcome, ScoreRejected):
        cause = why_parked(outcome.reason)
        assert cause.who
        assert cause.how


@pytest.mark.parametrize(
    ("sentence", "key"),
    [
        ("The LMS did not answer; it is tried again.", "down"),
        ("The LMS answered 503; it is tried again.", "down"),
        ("The LMS did not answer several times; it is left alone for a moment.", "down"),
        (reasons.PAUSED.fill(until="2026-11-30 10:00:00 UTC"), "paused"),
        (reasons.THROTTLED.fill(until="2026-11-30 10:00:00 UTC"), "throttled"),
        (reasons.TOKEN_REFUSED.fill(said="invalid_client"), "token"),
        (NOT_GRANTED, "scope"),
        (reasons.LIST_REFUSED.fill(status=403), "column scope"),
        (
            "The activity has no gradebook column yet; the score is sent when it has one.",
            "no column",
        ),
    ],
    ids=[
        "no answer",
        "503",
        "left alone",
        "paused",
        "throttled",
        "token refused",
        "scope not granted",
        "list refused",
        "no column",
    ],
)
def test_waiting_sentence_tells_its_cause(sentence, key):
    cause = why_waiting(sentence)

    assert cause is not None
    assert cause.key == key


@pytest.mark.parametrize(
    "sentence",
    [
        "The course reported a score of 80.",
        "It is sent at 2026-11-30 10:00:00 UTC.",
        "Other grades are on their way to this LMS; this one is next.",
        "",
    ],
    ids=["decided", "later", "next", "nothing"],
)
def test_score_on_its_way_is_no_problem(sentence):
    assert why_waiting(sentence) is None


def test_throttle_is_no_matter_for_a_person():
    cause = why_waiting(reasons.THROTTLED.fill(until="x"))

    assert cause is not None
    assert not cause.serious


def test_unknown_refusal_says_itself():
    assert "It is Tuesday." in why_parked("It is Tuesday.").what
