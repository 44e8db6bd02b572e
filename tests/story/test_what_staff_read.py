"""What the pages of staff say of a grade, told from what workers and LMSs really leave."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.passback.actions.outlook import sent_at_of, situation_of, state_of
from lti_bridge.passback.learner_state import LearnerState
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.find_line_item import NONE_YET
from tests.story.town import Town

Act = Callable[[Town, str], None]


def _override(town: Town, activity: str) -> None:
    town.grade(activity, score=61)


def _clear(town: Town, activity: str) -> None:
    town.grade(activity, score=None)


def _excuse(town: Town, activity: str) -> None:
    town.grade(activity, excused=True)


def _lock(town: Town, activity: str) -> None:
    town.control("PUT", "course", {"locked": True})


def _maintain(town: Town, activity: str) -> None:
    town.control("PUT", "course", {"maintenance": True})


def _withhold(town: Town, activity: str) -> None:
    town.grant_scores(False)


def _leave(_town: Town, _activity: str) -> None:
    """Everything stays as it is."""


def _state(town: Town) -> LearnerState:
    def tell() -> LearnerState:
        score = db.session.scalars(select(Score).order_by(Score.id.desc()).limit(1)).one()
        state = state_of(score, situation_of(score.grade.resource_link, town.clock()))
        assert (sent_at_of(score) is not None) is (score.state == "accepted")
        db.session.rollback()
        return state

    found: LearnerState = town.do(tell)
    return found


@pytest.mark.parametrize(
    ("dialect", "act", "label", "held", "sentence"),
    [
        ("canvas", _leave, "Taken by the LMS", None, ""),
        ("canvas", _override, "Another grade stands", 61, "holds 61 of 100, set in the LMS"),
        ("canvas", _clear, "Another grade stands", None, "the learner excused; that stays"),
        ("canvas", _excuse, "Another grade stands", None, "the learner excused; that stays"),
        ("canvas", _withhold, "Needs attention", None, "grant the scope score"),
        ("moodle", _leave, "In the gradebook", 95, ""),
        ("moodle", _override, "Another grade stands", 61, "keeps 61, which somebody set there"),
        ("moodle", _lock, "Needs attention", None, "is locked in the gradebook"),
        ("moodle", _maintain, "On its way", None, "asks to be left alone until 20"),
        ("moodle", _withhold, "Needs attention", None, "grant the scope score"),
    ],
    ids=[
        "canvas takes it",
        "canvas overridden",
        "canvas cleared",
        "canvas excused",
        "canvas scope withheld",
        "moodle takes it",
        "moodle overridden",
        "moodle locked",
        "moodle in maintenance",
        "moodle scope withheld",
    ],
)
def test_state_tells_what_came_of_a_second_score(
    town: Town, act: Act, label: str, held: float | None, sentence: str
) -> None:
    """80 arrived; then something happens in the LMS, and the learner gets 95."""
    activity = town.begin()
    town.learn(activity, 80)
    if act is not _maintain:
        act(town, activity)
    town.clock.advance(60)

    town.learn(activity, 95, works=False)
    if act is _maintain:  # it begins while the learner is in the course
        _maintain(town, activity)
    town.do(town.work)
    state = _state(town)

    assert (state.label, state.held) == (label, held)
    assert sentence in state.detail


def test_state_tells_that_a_column_is_missing(town: Town) -> None:
    town.begin()
    wanted = {"title": "Golf", "custom": {"scorm_course_id": "golf"}, "line_item": "none"}
    activity = town.control("PUT", "activities", [wanted])["activities"][0]["id"]

    town.learn(activity, 80)

    state = _state(town)
    assert state.label == "Waits for a gradebook column"
    assert state.detail == NONE_YET
