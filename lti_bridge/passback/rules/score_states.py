"""Where a score is on its way to the gradebook, and how an accepted one stands there."""

from enum import StrEnum


class ScoreState(StrEnum):
    """Where a decision to send a score is on its way."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"  # a newer decision, or what stands in the gradebook, took its place
    PARKED = "parked"  # the LMS refused it, or a person stopped it


class Standing(StrEnum):
    """How a score stands that the LMS accepted; one that stands as it was sent has none."""

    UNCHECKED = "unchecked"  # the LMS has yet to be asked what stands
    PENDING = "pending"  # the LMS shows it later
    KEPT = "kept"  # the LMS shows the grade that a person set
    NO_FINAL = "no final grade"  # the LMS shows no grade at all


class ReadTry(StrEnum):
    """Outcomes of tries that only asked the LMS which grade it holds, and came to nothing."""

    UNREAD = "unread"
    UNCLEAR = "unclear"
