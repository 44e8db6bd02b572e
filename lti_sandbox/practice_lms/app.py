"""The Flask app of the practice LMS, in one dialect."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Blueprint, Flask

from lti_sandbox.control import Control
from lti_sandbox.practice_lms import (
    ags,
    connecting,
    control,
    control_gradebook,
    deep_linking,
    nrps,
    oidc,
    pages,
    registration,
    tokens,
    what_if,
)
from lti_sandbox.practice_lms.addresses import CANVAS, MOODLE
from lti_sandbox.practice_lms.current import install
from lti_sandbox.practice_lms.outages import answer_outage
from lti_sandbox.practice_lms.state import Dialect, LmsState, ToolSpec

# The paths that faults touch.
SERVICES = {
    "moodle": ("/mod/lti/services.php", MOODLE.token),
    "canvas": ("/api/lti/courses", CANVAS.token),
}
# Blueprints with paths of one dialect, and those of both.
OWN: dict[Dialect, tuple[Blueprint, ...]] = {
    "moodle": (oidc.moodle, tokens.moodle, ags.moodle, nrps.moodle, registration.moodle),
    "canvas": (oidc.canvas, tokens.canvas, ags.canvas, nrps.canvas, registration.canvas),
}
SHARED = (
    deep_linking.views,
    connecting.views,
    control.views,
    control_gradebook.views,
    pages.views,
    what_if.views,
)


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
    install(app, state, Control(app, SERVICES[dialect]))
    app.before_request(answer_outage)
    for blueprint in (*OWN[dialect], *SHARED):
        app.register_blueprint(blueprint)
    return app
