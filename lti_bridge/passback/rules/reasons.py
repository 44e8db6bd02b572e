"""Sentences with a number or name in them that rows keep in English, for pages to translate."""

from ...lms.base import LMS_FAILED, LMS_REFUSED
from ...web.sentences import mark

REPORTED = mark("The course reported a score of {score}.")
REPORTED_BEFORE = mark("The course reported a score of {score} before.")
SO_FAR = mark("The course is unfinished; its score so far is {score}.")
AVERAGE = mark("The average of {count} attempts is {score}.")
HELD_BEFORE = mark("The gradebook held {score} of 100 before; it was read from the LMS.")
TOKEN_REFUSED = mark("The LMS gives the tool no access token. It says: {said}")
LIST_REFUSED = mark(
    "The LMS does not show the tool its gradebook columns (it answered {status}): an admin of the "
    "LMS can look at the tool's services."
)
PARKED_BY = mark("{who} parked it.")

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
