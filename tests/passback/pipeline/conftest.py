"""What the tests of one grade's work share."""

import pytest
from flask import Flask

from lti_bridge.passback.pipeline.throttle import PlatformGate


@pytest.fixture
def gate(app: Flask) -> PlatformGate:
    found: PlatformGate = app.extensions["platform_gate"]
    return found
