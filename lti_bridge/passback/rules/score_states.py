"""States of a score, and the standing of an accepted one."""

from enum import StrEnum


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


class ReadTry(StrEnum):
    """Outcomes of tries that only read the gradebook, without a usable answer."""

    UNREAD = "unread"
    UNCLEAR = "unclear"
