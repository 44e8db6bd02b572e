"""A practice LMS that speaks LTI 1.3 as a platform, in a Canvas and a Moodle dialect."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask

from lti_sandbox.control import Control
from lti_sandbox.practice_lms.ags import make_ags
from lti_sandbox.practice_lms.control import make_control
from lti_sandbox.practice_lms.deep_linking import make_deep_linking
from lti_sandbox.practice_lms.nrps import make_nrps
from lti_sandbox.practice_lms.oidc import make_oidc
from lti_sandbox.practice_lms.pages import make_pages
from lti_sandbox.practice_lms.registration import make_registration
from lti_sandbox.practice_lms.state import Activity, Dialect, LmsState, Person, ToolSpec
from lti_sandbox.practice_lms.tokens import make_tokens

__all__ = ["Activity", "Dialect", "LmsState", "Person", "ToolSpec", "create_practice_lms"]
STATE = "practice_lms"
SERVICES = {
    "moodle": ("/mod/lti/services.php", "/mod/lti/token.php"),
    "canvas": ("/api/lti/courses", "/login/oauth2/token"),
}


def create_practice_lms(
    *, dialect: Dialect, tools: Sequence[ToolSpec] = (), now: Callable[[], float] = time.time
) -> Flask:
    """Return a practice LMS with one course and its people, everything in memory.

    `tools` are connected by hand at the start; more can be connected over HTTP
    (`PUT /control/tools`). `now` is its clock, in seconds since 1970. The state is at
    `app.extensions["practice_lms"]`.
    """
    app = Flask(
        "practice_lms", template_folder=str(Path(__file__).parent / "templates"), static_folder=None
    )
    app.url_map.strict_slashes = False
    state = LmsState(dialect, now)
    for tool in tools:
        state.connect(tool)
    app.extensions[STATE] = state
    control = Control(app, SERVICES[dialect])
    for blueprint in (
        make_oidc(state),
        make_tokens(state, control),
        make_ags(state),
        make_nrps(state),
        make_deep_linking(state),
        make_registration(state),
        make_control(state),
        make_pages(state),
    ):
        app.register_blueprint(blueprint)
    return app
