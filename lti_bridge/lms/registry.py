"""Every kind of LMS that the bridge knows, and how one is found."""

from .base import Lms
from .canvas import CANVAS
from .generic import GENERIC
from .moodle import MOODLE

ALL = (CANVAS, MOODLE, GENERIC)
KEYS = tuple(lms.key for lms in ALL)


def get_lms(key: str) -> Lms:
    """Return a kind of LMS by its key; for a key that is not known, what is safe anywhere."""
    return next((lms for lms in ALL if lms.key == key), GENERIC)


def lms_of_family(code: object) -> Lms:
    """Return the LMS that calls itself so in a dynamic registration, whatever it wrote there."""
    name = code if isinstance(code, str) else ""
    return next((lms for lms in ALL if name in lms.family_codes), GENERIC)


def may_serve(issuer_host: str, host: str) -> bool:
    """Tell whether a host is known to belong to an issuer on another host."""
    return any(lms.may_serve(issuer_host, host) for lms in ALL)
