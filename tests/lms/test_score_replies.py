"""What the LMSs' replies mean; the refusals are those measured on Moodle and read in Canvas."""

import pytest

from lti_bridge.lms.registry import get_lms
from lti_bridge.lms.score_replies import (
    Accepted,
    CompareResult,
    Outcome,
    Reauthorize,
    Reply,
    ScoreRejected,
    TryLater,
)

CANVAS_OLDER = (
    '{"errors":{"type":"bad_request","message":"Provided timestamp of 2026-11-02T09:00:00Z '
    'before last updated timestamp of 2026-11-02T09:00:01Z"}}'
)


def name_of(value: object) -> str:
    """Return how a test of the table is called: by the reply, and what it means."""
    if isinstance(value, Reply):
        return f"{value.status} {value.excerpt[:40]}".strip()
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(
    "dialect, reply, expected",
    [
        ("moodle", Reply(200, ""), Accepted),
        ("moodle", Reply(200, "[]"), ScoreRejected),
        ("moodle", Reply(200, '{"status":400}'), ScoreRejected),
        ("moodle", Reply(400, "[]"), ScoreRejected),
        ("moodle", Reply(401, ""), Reauthorize),
        ("moodle", Reply(404, "Not Found: Grade item 8 doesn't exist"), ScoreRejected),
        ("moodle", Reply(409, "Refusing score with an earlier timestamp"), CompareResult),
        ("moodle", Reply(500, "[]"), ScoreRejected),
        ("moodle", Reply(500, "Internal error"), TryLater),
        ("moodle", Reply(502, ""), TryLater),
        ("canvas", Reply(200, '{"resultUrl":"x"}'), Accepted),
        ("canvas", Reply(400, CANVAS_OLDER), CompareResult),
        ("canvas", Reply(400, '{"errors":{"message":"timestamp is missing"}}'), ScoreRejected),
        ("canvas", Reply(401, "Invalid Developer Key"), Reauthorize),
        ("canvas", Reply(403, "403 Forbidden (Rate Limit Exceeded)"), TryLater),
        ("canvas", Reply(403, "<html>403 Forbidden</html>"), TryLater),
        ("canvas", Reply(403, "Forbidden"), ScoreRejected),
        ("canvas", Reply(404, "Context not found"), ScoreRejected),
        ("canvas", Reply(412, "Tool does not have permission to view line_item"), ScoreRejected),
        ("canvas", Reply(422, "User not found in course or is not a student"), ScoreRejected),
        ("canvas", Reply(422, "This course has concluded. AGS requests"), ScoreRejected),
        ("canvas", Reply(422, "The maximum number of allowed attempts has been"), ScoreRejected),
        ("canvas", Reply(429, ""), TryLater),
        ("canvas", Reply(504, "failed to communicate with file service"), TryLater),
        ("generic", Reply(200, "[]"), Accepted),
        ("generic", Reply(204, ""), Accepted),
        ("generic", Reply(301, ""), TryLater),
        ("generic", Reply(200, "<!doctype html><html>Sign in"), TryLater),
        ("canvas", Reply(200, "<html>Sign in"), TryLater),
        ("moodle", Reply(200, "<html>Sign in"), TryLater),
        ("moodle", Reply(303, "<html>Sign in</html>"), TryLater),
        ("generic", Reply(405, "<!DOCTYPE html><html>"), TryLater),
        ("generic", Reply(413, "\n<html><h1>Too large</h1>"), TryLater),
        ("generic", Reply(421, "<html>"), TryLater),
        ("generic", Reply(403, '{"error":"forbidden"}'), ScoreRejected),
        ("generic", Reply(404, "<html>Not found</html>"), ScoreRejected),
        ("generic", Reply(400, "Score already exists for the provided timestamp"), CompareResult),
        ("generic", Reply(400, '{"timestamp":["not newer"]}'), CompareResult),
        ("generic", Reply(400, "no such user"), ScoreRejected),
        ("generic", Reply(409, ""), CompareResult),
        ("generic", Reply(503, ""), TryLater),
        ("blackboard", Reply(201, ""), Accepted),
    ],
    ids=name_of,
)
def test_reads_each_reply(dialect: str, reply: Reply, expected: type[Outcome]) -> None:
    assert isinstance(get_lms(dialect).read_reply(reply), expected)


@pytest.mark.parametrize(
    "reply, word",
    [
        (Reply(422, "This course has concluded."), "concluded"),
        (Reply(422, "maximum number of allowed attempts"), "attempts"),
        (Reply(422, "is not a student"), "student"),
        (Reply(404, "Context not found"), "course"),
    ],
    ids=name_of,
)
def test_canvas_refusals_say_what_is_wrong(reply: Reply, word: str) -> None:
    outcome = get_lms("canvas").read_reply(reply)

    assert isinstance(outcome, ScoreRejected)
    assert word in outcome.reason


def test_locked_moodle_grade_says_so() -> None:
    outcome = get_lms("moodle").read_reply(Reply(500, "[]"))

    assert isinstance(outcome, ScoreRejected)
    assert "locked" in outcome.reason


def test_gone_line_item_is_marked() -> None:
    outcome = get_lms("moodle").read_reply(Reply(404, ""))

    assert isinstance(outcome, ScoreRejected)
    assert outcome.line_item_gone


def test_wait_that_the_lms_names_is_kept() -> None:
    outcome = get_lms("generic").read_reply(Reply(429, "", retry_after=42.0))

    assert isinstance(outcome, TryLater)
    assert outcome.after == 42.0
