"""Two practice LMSs in one process: each keeps to its dialect's paths and to its own state."""

import pytest

from lti_sandbox.practice_lms import create_practice_lms
from tests.lti_sandbox.lms.conftest import Lms

PATHS = {
    "moodle": {
        "/mod/lti/auth.php",
        "/mod/lti/token.php",
        "/mod/lti/certs.php",
        "/mod/lti/openid-configuration.php",
        "/mod/lti/openid-registration.php",
        "/mod/lti/services.php/2/lineitems",
        "/mod/lti/services.php/2/lineitems/3/lineitem",
        "/mod/lti/services.php/2/lineitems/3/lineitem/scores",
        "/mod/lti/services.php/2/lineitems/3/lineitem/results",
        "/mod/lti/services.php/CourseSection/2/bindings/1/memberships",
    },
    "canvas": {
        "/api/lti/authorize_redirect",
        "/login/oauth2/token",
        "/api/lti/security/jwks",
        "/api/lti/security/openid-configuration",
        "/api/lti/registrations",
        "/api/lti/courses/1/line_items",
        "/api/lti/courses/1/line_items/3",
        "/api/lti/courses/1/line_items/3/scores",
        "/api/lti/courses/1/line_items/3/results",
        "/api/lti/courses/1/names_and_roles",
    },
}


def answered(dialect: str, paths: set[str]) -> set[str]:
    """Return the paths that an LMS of this dialect knows."""
    web = create_practice_lms(dialect=dialect).test_client()
    return {path for path in paths if web.options(path).status_code != 404}


@pytest.mark.parametrize("dialect", ["moodle", "canvas"])
def test_answers_at_its_own_paths_only(dialect: str) -> None:
    assert answered(dialect, PATHS["moodle"] | PATHS["canvas"]) == PATHS[dialect]


def test_each_app_has_its_own_state(moodle: Lms, canvas: Lms) -> None:
    moodle.add_activity(title="Only in Moodle")

    assert "Only in Moodle" in moodle.web.get("/").text
    assert "Only in Moodle" not in canvas.web.get("/").text
