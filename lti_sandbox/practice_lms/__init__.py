"""A practice LMS that speaks LTI 1.3 as a platform, in a Canvas and a Moodle dialect."""

from lti_sandbox.practice_lms.app import create_practice_lms
from lti_sandbox.practice_lms.state import DIALECTS, Activity, Dialect, LmsState, Person, ToolSpec

__all__ = [
    "DIALECTS",
    "Activity",
    "Dialect",
    "LmsState",
    "Person",
    "ToolSpec",
    "create_practice_lms",
]
