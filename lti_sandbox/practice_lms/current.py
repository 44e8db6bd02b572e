"""The practice LMS of the current app, for its views."""

from flask import Flask, current_app

from lti_sandbox.control import Control
from lti_sandbox.practice_lms.state import LmsState

EXTENSION = "practice_lms"
CONTROL = "practice_lms_control"


def install(app: Flask, state: LmsState, control: Control) -> None:
    """Attach an LMS and its control to an app."""
    app.extensions[EXTENSION] = state
    app.extensions[CONTROL] = control


def current_lms() -> LmsState:
    """Return the LMS of the app that answers this request."""
    state: LmsState = current_app.extensions[EXTENSION]
    return state


def current_control() -> Control:
    """Return the control, with its faults, of the app that answers this request."""
    control: Control = current_app.extensions[CONTROL]
    return control
