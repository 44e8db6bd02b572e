"""Sentences with a number or name in them that rows keep in English, for pages to translate."""

from ...lms import readings
from ...lms.base import LMS_FAILED, LMS_REFUSED
from ...web.sentences import N_

REPORTED = N_("The course reported a score of {score}.")
REPORTED_BEFORE = N_("The course reported a score of {score} before.")
SO_FAR = N_("The course is unfinished; its score so far is {score}.")
PROVISIONAL = N_(
    "The course says failed with a score of {score}, though it is not finished; a later result "
    "takes its place."
)
PASSED_WITH_ZERO = N_(
    "The course says passed and reports a score of 0, which do not fit together; its score counts."
)
AVERAGE = N_("The average of {count} attempts is {score}.")
HELD_BEFORE = N_("The gradebook held {score} of 100 before; it was read from the LMS.")
TOKEN_REFUSED = N_("The LMS gives the tool no access token. It says: {said}")
LIST_REFUSED = N_(
    "The LMS does not show the tool its gradebook columns (it answered {status}): an admin of the "
    "LMS can look at the tool's services."
)
CREATE_REFUSED = N_(
    "The activity has no gradebook column, and the LMS does not let the tool make one (it answered "
    "{status}): an admin of the LMS can look at the tool's services and grant the scope lineitem."
)
PARKED_BY = N_("{who} parked it.")
PAUSED = N_(
    "The LMS asks to be left alone until {until}; the score is sent then, or as soon as a launch "
    "shows that it is back."
)
THROTTLED = N_("The LMS asks for fewer requests; the score is sent at {until}.")
RESTS_UNTIL = N_("The LMS did not answer several times; it is left alone until {until}.")
SENT_AT = N_("It is sent at {until}.")
KEPT_IN_LMS = N_("The LMS took {ours} of 100 and keeps {held}, which somebody set there.")
NO_FINAL_GRADE = N_(
    "The LMS took the score and shows no grade: in Moodle the activity's grade type is “None”."
)

# The longer of two that begin alike comes first.
SAYINGS = (
    REPORTED_BEFORE,
    REPORTED,
    SO_FAR,
    PROVISIONAL,
    AVERAGE,
    HELD_BEFORE,
    LMS_FAILED,
    LMS_REFUSED,
    TOKEN_REFUSED,
    LIST_REFUSED,
    CREATE_REFUSED,
    PARKED_BY,
    PAUSED,
    THROTTLED,
    RESTS_UNTIL,
    SENT_AT,
    KEPT_IN_LMS,
    *readings.SAYINGS,
)


def accepted(score_given: float, *, shown: bool = True) -> str:
    """Return the story's line for a score that the LMS accepted."""
    if not shown:
        return f"The LMS accepted {score_given:g} of 100 and does not show it yet."
    return f"The LMS took {score_given:g} of 100."


def held(score_given: float) -> str:
    """Return the story's line for a score that was read from the gradebook after it was sent."""
    return f"The gradebook has {score_given:g} of 100."
