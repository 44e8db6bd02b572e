"""Reasons of decisions and waits, as translatable sentences that rows store."""

from ...core.sentences import coded

REPORTED = coded("reported", "The course reported a score of {score}.")
REPORTED_BEFORE = coded("reported_before", "The course reported a score of {score} before.")
SO_FAR = coded("so_far", "The course is unfinished; its score so far is {score}.")
PROVISIONAL = coded(
    "provisional",
    "The course says failed with a score of {score}, though it is not finished; a later result "
    "takes its place.",
)
PASSED_WITH_ZERO = coded(
    "passed_with_zero",
    "The course says passed and reports a score of 0, which do not fit together; its score counts.",
)
AVERAGE = coded("average", "The average of {count} attempts is {score}.")
HELD_BEFORE = coded(
    "held_before", "The gradebook held {score} of 100 before; it was read from the LMS."
)
TOKEN_REFUSED = coded("token_refused", "The LMS gives the tool no access token. It says: {said}")
LIST_REFUSED = coded(
    "list_refused",
    "The LMS does not show the tool its gradebook columns (it answered {status}): an admin of the "
    "LMS can look at the tool's services.",
)
CREATE_REFUSED = coded(
    "create_refused",
    "The activity has no gradebook column, and the LMS does not let the tool make one (it answered "
    "{status}): an admin of the LMS can look at the tool's services and grant the scope lineitem.",
)
PARKED_BY = coded("parked_by", "{who} parked it.")
PAUSED = coded(
    "paused",
    "The LMS asks to be left alone until {until}; the score is sent then, or as soon as a launch "
    "shows that it is back.",
)
THROTTLED = coded("throttled", "The LMS asks for fewer requests; the score is sent at {until}.")
RESTS_UNTIL = coded(
    "rests_until", "The LMS did not answer several times; it is left alone until {until}."
)
SENT_AT = coded("sent_at", "It is sent at {until}.")
KEPT_IN_LMS = coded(
    "kept_in_lms", "The LMS took {ours} of 100 and keeps {held}, which somebody set there."
)
NO_FINAL_GRADE = coded(
    "no_final_grade",
    "The LMS took the score and shows no grade: in Moodle the activity's grade type is “None”.",
)
HELD_HIGHER = coded("held_higher_result", "The gradebook already holds a higher result.")
UNCHANGED = coded("unchanged", "The grade was decided before and has not changed.")
NOT_OPENED = coded("not_opened", "Nobody has opened the course yet.")
NOTHING_NEW = coded("nothing_new", "The course says nothing else than before.")
PASSED = coded("passed_unscored", "The course says passed and gives no score.")
FAILED = coded("failed_unscored", "The course says failed and gives no score.")
COMPLETED = coded(
    "completed_unscored", "The course is completed and has neither a score nor a passing mark."
)
MAY_REPORT = coded(
    "may_report", "The course reports a result without a score; it may still report one."
)
MAY_CHANGE = coded(
    "may_change", "The course says failed, but it is not finished: its score may change."
)
SCORES_ONLY = coded(
    "scores_only", "The course is completed without a score; this activity grades scores only."
)
FAILED_UNFINISHED = coded(
    "failed_unfinished", "The course says failed, but it is not finished and gives no score."
)
UNFINISHED = coded("unfinished", "The course is not finished yet.")
_ACCEPTED = coded("accepted", "The LMS took {score} of 100.")
_NOT_SHOWN = coded("not_shown", "The LMS accepted {score} of 100 and does not show it yet.")
_HELD = coded("held_now", "The gradebook has {score} of 100.")


def accepted(score_given: float, *, shown: bool = True) -> str:
    """Return the sentence for a score that the LMS accepted."""
    return (_ACCEPTED if shown else _NOT_SHOWN).fill(score=score_given)


def held(score_given: float) -> str:
    """Return the sentence for a score that was read from the gradebook after sending."""
    return _HELD.fill(score=score_given)
