"""All kinds of LMS, and look-ups among them."""

from .base import Lms
from .canvas import CANVAS
from .generic import GENERIC
from .moodle import MOODLE

ALL = (CANVAS, MOODLE, GENERIC)
KEYS = tuple(lms.key for lms in ALL)


def get_lms(key: str) -> Lms:
    """Return a kind of LMS by its key; the generic one for an unknown key."""
    return next((lms for lms in ALL if lms.key == key), GENERIC)


def lms_of_family(code: object) -> Lms:
    """Return the LMS for a product_family_code, which may be anything."""
    name = code if isinstance(code, str) else ""
    return next((lms for lms in ALL if name in lms.family_codes), GENERIC)


def may_serve(issuer_host: str, host: str) -> bool:
    """Tell whether a host belongs to an issuer on another host, by any kind of LMS."""
    return any(lms.may_serve(issuer_host, host) for lms in ALL)
