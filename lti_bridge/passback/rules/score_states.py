"""States of a score, and the standing of an accepted one."""

from enum import StrEnum

from ...lms.score_replies import (
    Accepted,
    CompareResult,
    Outcome,
    Reauthorize,
    ScoreRejected,
    Superseded,
    TryLater,
)


class ScoreState(StrEnum):
    """The state of a decision to send a score."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"  # replaced by a newer decision, or by the gradebook's grade
    PARKED = "parked"  # the LMS refused it, or a person stopped it


class Standing(StrEnum):
    """How an accepted score stands in the LMS; none when it stands as sent."""

    UNCHECKED = "unchecked"  # still to be read
    PENDING = "pending"  # the LMS shows it later
    KEPT = "kept"  # the LMS shows a grade set by a person
    NO_FINAL = "no final grade"  # the LMS shows no grade


class TryOutcome(StrEnum):
    """The outcome of one try at a score, in rows and metrics.

    The tries of the last two only asked which grade the LMS holds, and came to nothing.
    """

    ACCEPTED = "accepted"
    TRY_LATER = "trylater"
    REAUTHORIZE = "reauthorize"
    COMPARE = "compareresult"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    UNREAD = "unread"
    UNCLEAR = "unclear"

    @property
    def label(self) -> str:
        """The text for staff."""
        return _LABELS[self]

    @classmethod
    def _missing_(cls, value: object) -> "TryOutcome | None":
        return cls.REFUSED if value == "scorerejected" else None  # so it was called for a while


_LABELS = {
    TryOutcome.ACCEPTED: "accepted",
    TryOutcome.TRY_LATER: "not now, it is tried again",
    TryOutcome.REAUTHORIZE: "it asks for a new access token",
    TryOutcome.COMPARE: "it has a newer or equal time, and is asked which grade it holds",
    TryOutcome.SUPERSEDED: "another grade stands",
    TryOutcome.REFUSED: "it refused",
    TryOutcome.UNREAD: "it refused",
    TryOutcome.UNCLEAR: "it did not say clearly",
}
ONLY_READ = (TryOutcome.UNREAD, TryOutcome.UNCLEAR)


_OF = {
    Accepted: TryOutcome.ACCEPTED,
    TryLater: TryOutcome.TRY_LATER,
    Reauthorize: TryOutcome.REAUTHORIZE,
    CompareResult: TryOutcome.COMPARE,
    Superseded: TryOutcome.SUPERSEDED,
    ScoreRejected: TryOutcome.REFUSED,
}


def outcome_of(reply: Outcome) -> TryOutcome:
    """Return the outcome of a try to which the LMS replied so."""
    return _OF[type(reply)]
