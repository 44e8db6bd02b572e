"""Every kind of LMS: found by its key and by its own name, and each of its quirks."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

import lti_bridge
from lti_bridge.core.config import PassbackSettings
from lti_bridge.lms.base import Lms, Submission
from lti_bridge.lms.canvas import CANVAS, EXTENSION
from lti_bridge.lms.generic import GENERIC
from lti_bridge.lms.moodle import MOODLE
from lti_bridge.lms.registry import ALL, get_lms, lms_of_family
from lti_bridge.lms.score_replies import Reply
from lti_bridge.lti.score_body import score_body

TEMPLATES = Path(lti_bridge.__file__).parent.parent / "templates" / "lms"
FIRST = Submission(is_new=True, submitted_at="2026-11-02T08:59:59.123Z")


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
def test_each_is_found_by_its_key(lms: Lms) -> None:
    assert get_lms(lms.key) is lms
    assert [lms_of_family(code) for code in lms.family_codes] == [lms] * len(lms.family_codes)


@pytest.mark.parametrize(
    "code", ["sakai", "", None, 7, "Canvas", ["canvas"], {"canvas": 1}], ids=repr
)
def test_unknown_one_gets_what_is_safe_anywhere(code: object) -> None:
    assert lms_of_family(code) is GENERIC
    assert get_lms(str(code)) is GENERIC


def test_value_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CANVAS.key = "moodle"  # type: ignore[misc]


def test_parallel_posts_are_the_lms_s() -> None:
    settings = PassbackSettings(parallel_posts_canvas=2, parallel_posts=7)

    assert {lms.key: lms.parallel_posts(settings) for lms in ALL} == {
        "canvas": 2,
        "moodle": 7,
        "generic": 7,
    }


def test_canvas_alone_gets_an_extension() -> None:
    assert {lms.key for lms in ALL if lms.score_extension(FIRST)} == {"canvas"}


def test_canvas_gets_the_time_of_the_attempt_twice() -> None:
    assert CANVAS.score_extension(FIRST) == {
        "submission": {"submittedAt": "2026-11-02T08:59:59.123Z"},
        EXTENSION: {
            "new_submission": True,
            "submission_type": "external_tool",
            "submitted_at": "2026-11-02T08:59:59.123Z",
        },
    }


def test_canvas_repeat_makes_no_submission() -> None:
    sent = CANVAS.score_extension(Submission(is_new=False, submitted_at=None))

    assert "submission" not in sent
    assert sent[EXTENSION]["new_submission"] is False


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "the same"])
def test_canvas_is_never_told_to_keep_what_stands(is_new: bool) -> None:
    sent = CANVAS.score_extension(Submission(is_new=is_new, submitted_at=None))

    assert set(sent[EXTENSION]) == {"new_submission", "submission_type"}


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
def test_never_sends_a_comment(lms: Lms) -> None:
    at, extension = datetime(2026, 11, 2, tzinfo=UTC), lms.score_extension(FIRST)

    body = score_body(sub="4", score_given=85.5, timestamp=at, extension=extension)

    assert b"omment" not in body


@pytest.mark.parametrize("lms", ALL, ids=lambda lms: lms.key)
def test_every_refusal_says_why(lms: Lms) -> None:
    outcomes = [lms.read_reply(Reply(status)) for status in range(200, 600)]

    assert all(getattr(outcome, "reason", "-") for outcome in outcomes)


@pytest.mark.parametrize("name", ["_register", "_first_launch", "_registered"])
def test_what_has_no_words_of_its_own_falls_back(name: str) -> None:
    """A new LMS needs no template: the generic one stands in."""
    assert (TEMPLATES / GENERIC.key / f"{name}.html").is_file()


def test_templates_belong_to_a_known_lms() -> None:
    assert {folder.name for folder in TEMPLATES.iterdir()} <= {lms.key for lms in ALL}


def test_one_with_a_form_for_json_says_where_it_is() -> None:
    with_form = {lms.key for lms in ALL if lms.configuration is not None}

    assert with_form == {"canvas"}
    assert all((TEMPLATES / key / "_by_json.html").is_file() for key in with_form)


def test_moodle_s_name_is_its_product_family() -> None:
    assert lms_of_family("moodle") is MOODLE


def test_canvas_alone_is_asked_for_longer_pages() -> None:
    """Moodle answers 404 to a `limit` on results (measured on Moodle 4.5.6)."""
    assert {lms.key: lms.results_per_page for lms in ALL} == {
        "canvas": 100,
        "moodle": None,
        "generic": None,
    }
