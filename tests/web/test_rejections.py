"""Every reason that the code raises has words, and every word is complete."""

import ast
from pathlib import Path

import pytest

import lti_bridge
from lti_bridge.web.refusals import REFRESHING
from lti_bridge.web.rejections import REJECTIONS, get_rejection

PACKAGE = Path(lti_bridge.__file__).parent
# Reasons that are chosen in an expression rather than written into the raise.
CHOSEN = {
    "lms_login_required",
    "lms_launch_used",
    "lms_access_denied",
    "lms_refused",
    "scorm_cloud_down",
    "scorm_cloud_refused",
    "cloud_busy",
    "not_set_up",
    "course_missing",
    "create_refused",
    "picking_not_allowed",
    "links_not_accepted",
    "request_too_large",
    "page_unknown",
    "wrong_method",
    "request_unreadable",
    "database_away",
    "our_mistake",
}


REFUSALS = {"LaunchRejected", "PageRefused"}


def raised_reasons() -> dict[str, str]:
    """Return each literal reason of a refusal in the source, and where it stands."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REFUSALS:
                for value in ast.walk(node.args[0]):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        found[value.value] = f"{path.name}:{node.lineno}"
    return found


def test_every_raised_reason_has_words():
    unknown = {k: v for k, v in raised_reasons().items() if k and k not in REJECTIONS}

    assert not unknown


def test_no_words_without_a_reason():
    assert set(REJECTIONS) <= set(raised_reasons()) | CHOSEN


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
