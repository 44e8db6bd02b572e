"""Why a score is not in the gradebook, who can fix that, and how, by its stored sentence."""

from dataclasses import dataclass

from ..core.sentences import as_sentence
from ..lms import score_replies
from ..lms.base import LMS_FAILED
from ..lms.canvas import FEWER_REQUESTS
from ..lms.generic import NOT_THE_LMS
from ..passback.pipeline.find_line_item import (
    CREATE_NOT_GRANTED,
    LIST_NOT_GRANTED,
    MADE_PERHAPS,
    NO_COLUMN_NAMED,
    NONE_YET,
    NOT_MADE,
    TOO_MANY,
)
from ..passback.pipeline.read_gradebook import NO_TOKEN, NOT_YET, TOKEN_NOT_TAKEN
from ..passback.pipeline.send_score import NO_ANSWER, RESTS
from ..passback.rules import reasons
from ..passback.rules.plan import NOT_GRANTED

ADMIN, TEACHER = "An admin of the LMS", "The instructor"
OPERATOR, OWNER = "The operator of the bridge", "An owner of the bridge"
EITHER = "The instructor, or an admin of the LMS"
BY_ITSELF = "Usually it ends by itself; else an admin of the LMS"


@dataclass(frozen=True)
class Cause:
    """Why scores wait: `what` completes a sentence that starts with the LMS's name.

    `key` identifies the cause; `without_column`: the activity has no gradebook column.
    """

    key: str
    what: str
    who: str
    how: str
    serious: bool = True
    without_column: bool = False


_DOWN = Cause(
    "down",
    "does not take scores",
    BY_ITSELF,
    "Scores are tried again by themselves, and none is lost. Test the platform to see whether it "
    "answers.",
)
_TOKEN = Cause(
    "token",
    "gives the tool no access token",
    ADMIN,
    "Check that the tool's client id, key set address and services are as this console shows them, "
    "and that the tool is not switched off. Then test the platform.",
)
_SCOPE = Cause(
    "scope",
    "does not let the tool send scores",
    ADMIN,
    "Allow the tool the grade services (Moodle: “Use this service for grade sync and column "
    "management”; Canvas: the scopes of the developer key). The next launch of an activity shows "
    "that it is so.",
)
_COLUMN_SCOPE = Cause(
    "column scope",
    "does not let the tool find or make gradebook columns",
    ADMIN,
    "Allow the tool the scopes lineitem.readonly, and lineitem where it is to make columns. Then "
    "open the activity once.",
)
_NO_COLUMN = Cause(
    "no column",
    "has no gradebook column for activities with results",
    EITHER,
    "Let the activity be graded in the LMS (Canvas: an assignment with an external tool; "
    "Moodle: grade settings of the activity), then open it once. Or let the bridge make the "
    "columns: on the platform's page.",
    without_column=True,
)
_WAITING: dict[str, Cause] = {
    NO_ANSWER: _DOWN,
    LMS_FAILED: _DOWN,
    RESTS: _DOWN,
    NOT_YET: _DOWN,
    NO_COLUMN_NAMED: _DOWN,
    MADE_PERHAPS: _DOWN,
    NOT_MADE: _DOWN,
    reasons.PAUSED: Cause(
        "paused",
        "asks to be left alone, as in maintenance",
        BY_ITSELF,
        "Scores are sent when the pause ends, or as soon as a launch shows that the LMS is back.",
    ),
    reasons.THROTTLED: (
        _THROTTLED := Cause(
            "throttled",
            "asks for fewer requests",
            "Nobody: it ends by itself",
            "Scores go at the pace that the LMS allows.",
            serious=False,
        )
    ),
    FEWER_REQUESTS: _THROTTLED,
    NOT_THE_LMS: Cause(
        "page",
        "answers with a page for people, as from a sign-on or a proxy",
        ADMIN,
        "Let the tool's calls to the LMS's services pass without a sign-on.",
    ),
    reasons.TOKEN_REFUSED: _TOKEN,
    NO_TOKEN: _TOKEN,
    TOKEN_NOT_TAKEN: _TOKEN,
    NOT_GRANTED: _SCOPE,
    LIST_NOT_GRANTED: _COLUMN_SCOPE,
    reasons.LIST_REFUSED: _COLUMN_SCOPE,
    CREATE_NOT_GRANTED: _COLUMN_SCOPE,
    reasons.CREATE_REFUSED: _COLUMN_SCOPE,
    NONE_YET: _NO_COLUMN,
}
# Causes that concern the whole LMS: a retry of one score shows whether they have ended.
UNREACHED = ("down", "paused", "page")
# Causes without automatic retries: a person sends these scores.
BY_PERSON = ("no final grade", "stopped")
_AGAIN = (
    "When the cause has ended, try the scores again here. They are also tried by themselves, and "
    "when the learner opens the activity."
)
_PARKED: dict[str, Cause] = {
    # When the look-up finds no column, the activity is without one.
    score_replies.GONE.reason: _NO_COLUMN,
    TOO_MANY: Cause(
        "columns", "has more than one gradebook column for an activity", EITHER, TOO_MANY
    ),
    reasons.NO_FINAL_GRADE: Cause(
        "no final grade",
        "took scores and shows no grades",
        EITHER,
        "Set the activity's grade type to Point in Moodle, then send the grades again.",
    ),
    reasons.PARKED_BY: Cause(
        "stopped",
        "gets no scores that a person stopped here",
        OWNER,
        "They stay where they are until a person sends them again.",
        serious=False,
    ),
}


def why_waiting(reason: str) -> Cause | None:
    """Return the cause for a waiting score's sentence; None while it is being delivered."""
    return _find(reason, _WAITING)


def why_parked(reason: str) -> Cause:
    """Return the cause for a parked score's sentence; by default the sentence itself."""
    known = _find(reason, _PARKED) or _find(reason, _WAITING)
    key = as_sentence(reason).code or reason
    return known or Cause(key, f"refuses scores: {reason}", EITHER, _AGAIN)


def _find(reason: str, causes: dict[str, Cause]) -> Cause | None:
    return causes.get(as_sentence(reason).template)
