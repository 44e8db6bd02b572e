"""Sentences with a number or name in them that rows keep in English, for pages to translate."""

from ...lms.base import LMS_FAILED, LMS_REFUSED
from ...web.sentences import N_

REPORTED = N_("The course reported a score of {score}.")
REPORTED_BEFORE = N_("The course reported a score of {score} before.")
SO_FAR = N_("The course is unfinished; its score so far is {score}.")
AVERAGE = N_("The average of {count} attempts is {score}.")
HELD_BEFORE = N_("The gradebook held {score} of 100 before; it was read from the LMS.")
TOKEN_REFUSED = N_("The LMS gives the tool no access token. It says: {said}")
LIST_REFUSED = N_(
    "The LMS does not show the tool its gradebook columns (it answered {status}): an admin of the "
    "LMS can look at the tool's services."
)
PARKED_BY = N_("{who} parked it.")

# The longer of two that begin alike comes first.
SAYINGS = (
    REPORTED_BEFORE,
    REPORTED,
    SO_FAR,
    AVERAGE,
    HELD_BEFORE,
    LMS_FAILED,
    LMS_REFUSED,
    TOKEN_REFUSED,
    LIST_REFUSED,
    PARKED_BY,
)
