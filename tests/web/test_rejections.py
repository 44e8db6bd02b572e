"""Every reason that the code raises has words, and every word is complete."""

import ast
from pathlib import Path

import pytest

import lti_bridge
from lti_bridge.core.errors import Reason
from lti_bridge.web.refusals import REFRESHING
from lti_bridge.web.rejections import REJECTIONS, get_rejection

PACKAGE = Path(lti_bridge.__file__).parent


def named_reasons() -> set[str]:
    """Return each reason that the source names outside the list of their words."""
    named = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name != "rejections.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Reason":
                    named.add(node.attr)
    return named


def test_every_reason_has_words():
    assert set(REJECTIONS) == set(Reason)


def test_every_reason_is_used():
    assert named_reasons() == set(Reason.__members__)


@pytest.mark.parametrize("reason", sorted(REJECTIONS))
def test_words_say_what_to_do(reason):
    rejection = get_rejection(reason)

    assert rejection.status in (202, 400, 403, 404, 405, 409, 413, 500, 502, 503)
    assert rejection.title and not rejection.title.endswith(".")
    assert rejection.happened.endswith(".")
    assert rejection.who.startswith(("You", "The operator"))
    assert rejection.how.endswith(".")


@pytest.mark.parametrize("reason", sorted(REJECTIONS))
def test_only_pages_that_try_again_are_accepted(reason):
    assert (get_rejection(reason).status == 202) is (reason in REFRESHING)


@pytest.mark.parametrize("reason", REFRESHING)
def test_page_that_cannot_try_again_says_how(reason):
    by_hand = get_rejection(reason).by_hand()

    assert by_hand.status == 503
    assert "by itself" not in by_hand.advice


def test_unproven_browser_answers_403():
    assert get_rejection("browser_unproven").status == 403
