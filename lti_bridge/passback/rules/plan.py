"""Decide what a worker sends for a grade, and what follows from the LMS's answer."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ...core.sentences import coded
from ...lms.readings import HeldGrade, Outgoing, is_same
from ...lms.score_replies import Accepted, Outcome, ScoreRejected, Superseded, TryLater
from ...lti.values import SCOPE_RESULT_READ, SCOPE_SCORE
from . import reasons
from .grade_snapshot import (
    GradeSnapshot,
    ScoreRow,
    attempts_of,
    compare_with,
    found_in_lms,
    newest_decision,
)
from .grading_policy import Decided, Send, Wait, decide
from .score_states import ScoreState, Standing

ASKED, LOST = "asked", "lost"  # why a grade is sent again
AT_LEAST_APART = timedelta(seconds=1)
# Automatic tries of a score that waits for an event; then weekly while the link is used.
ROUNDS = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1), timedelta(days=7))
STILL_USED = timedelta(days=60)
# An unclear read of the gradebook is repeated so often, or so long; then the score is sent.
UNCLEAR_READS, UNCLEAR_FOR = 3, timedelta(minutes=10)
# How long to ask for the standing of an accepted score.
CHECKED_FOR = timedelta(minutes=10)

NOT_GRANTED = coded(
    "not_granted",
    "The LMS does not let the tool send scores for this activity: an admin of the LMS can grant "
    "the scope score. The score is sent then.",
)
GAVE_UP = coded("gave_up", "Gave up for now: it was tried for too long.")
UNREAD = coded("unread", "The LMS does not say clearly which grade it holds; it is asked again.")
SENT_UNREAD = coded(
    "sent_unread",
    "The LMS did not say clearly which grade it holds; the score was sent without knowing it.",
)
STUCK = coded(
    "stuck",
    "The LMS says that it holds a newer grade, and does not show which: look in the gradebook, "
    "then resend.",
)
NO_ENTRY = coded(
    "no_entry", "The gradebook has no entry any more; the result of this visit is sent anew."
)
RENEWED = coded("renewed", "A newer decision took its place.")
SENT_ANEW = coded("sent_anew", "The LMS did not take it as it was; the same score is sent anew.")


@dataclass(frozen=True)
class Draft:
    """A decision without a row yet; it supersedes all waiting scores."""

    score_given: float
    reason: str
    attempt: int
    course_id: str
    registration_id: int | None
    inferred: bool = False
    asked: bool = False
    after_loss: bool = False
    renewed: bool = False
    unclear_reads: int = 0
    unclear_since: datetime | None = None


@dataclass(frozen=True)
class Aim:
    """What to do for a grade now.

    `draft` (a new decision) or `score` (an earlier one that waits) is to be sent. `check` is an
    accepted score whose standing is to be read; `resends` is sent if the LMS has no entry for it.
    `read_at`: when to read SCORM Cloud again.
    """

    decision: str
    reason: str
    draft: Draft | None = None
    score: ScoreRow | None = None
    check: ScoreRow | None = None
    resends: Draft | None = None
    read_at: datetime | None = None

    @property
    def score_given(self) -> float:
        """The score of 100 to send."""
        one = self.draft or self.score
        assert one is not None
        return one.score_given

    @property
    def sends(self) -> bool:
        """Whether anything is to be sent."""
        return self.draft is not None or self.score is not None


@dataclass(frozen=True)
class End:
    """The result of a worker's turn with a score: its state, the reason, and what follows.

    `again_at`: try again, not before then. `waits`: for an event, such as a line item or a scope.
    `renew`: a new score replaces it at once. `failed`: the platform did not serve us;
    `pauses_until`: it asked for a pause, `throttled` because of too many requests.
    """

    state: ScoreState
    reason: str
    again_at: datetime | None = None
    waits: bool = False
    renew: bool = False
    failed: bool = False
    pauses_until: datetime | None = None
    throttled: bool = False
    unclear: bool = False
    column_gone: bool = False
    attempt_stored: bool = False
    standing: Standing | None = None
    held: float | None = None
    notes: tuple[str, ...] = field(default=())


def decide_aim(snapshot: GradeSnapshot, now: datetime, *, retries: bool) -> Aim:
    """Return what to do for a grade; `retries`: try parked scores again, too."""
    before = _decided_before(snapshot)
    attempts, found = attempts_of(snapshot, now), found_in_lms(snapshot)
    decision = decide(attempts, snapshot.policy, before, found)
    aim = Aim(type(decision).__name__.lower(), decision.reason)
    if isinstance(decision, Send):
        asked, lost = snapshot.resend == ASKED, snapshot.resend == LOST
        draft = _draft(snapshot, decision, asked=asked, after_loss=lost)
        return replace(aim, draft=draft)
    if isinstance(decision, Wait):
        aim = replace(aim, read_at=decision.until)
    waiting = snapshot.waiting
    if waiting is not None and (
        waiting.state == ScoreState.QUEUED or (retries and not waiting.stopped)
    ):
        return _aim_at(snapshot, aim, waiting)
    newest = snapshot.all_scores[-1] if snapshot.all_scores else None
    if newest is not None and newest.standing == Standing.UNCHECKED:
        return replace(aim, check=newest)
    fresh = decide(attempts, snapshot.policy, None, found)
    if isinstance(fresh, Send) and before is not None and snapshot.scores and can_read(snapshot):
        if is_same(fresh.score_given, before.score_given) and _ended_since(snapshot):
            draft = replace(_draft(snapshot, fresh), reason=NO_ENTRY)
            return replace(aim, check=snapshot.scores[-1], resends=draft)
    return aim


def _decided_before(snapshot: GradeSnapshot) -> Decided | None:
    """Return the decision that need not be repeated if the new one is equal.

    A score stopped by a person counts even after its column changed: only a person releases it.
    """
    if snapshot.resend is not None:
        return None
    newest = snapshot.all_scores[-1] if snapshot.all_scores else None
    if newest is not None and newest.stopped and newest.course_id == snapshot.course_id:
        return Decided(newest.score_given)
    return newest_decision(snapshot)


def _draft(
    snapshot: GradeSnapshot, send: Send, *, asked: bool = False, after_loss: bool = False
) -> Draft:
    registration = next(one for one in snapshot.registrations if one.attempt == send.attempt)
    return Draft(
        score_given=round(send.score_given, 4),
        reason=send.reason,
        attempt=send.attempt,
        course_id=snapshot.course_id,
        registration_id=registration.row_id,
        inferred=send.inferred,
        asked=asked,
        after_loss=after_loss,
    )


def _aim_at(snapshot: GradeSnapshot, aim: Aim, waiting: ScoreRow) -> Aim:
    """Send a waiting score with its own bytes, unless the column or the submission changed."""
    registration = snapshot.registration_of(waiting.registration_id)
    stored = registration is not None and registration.attempt_stored
    unfit = waiting.timestamp is not None and waiting.state == ScoreState.PARKED and stored
    if unfit or not snapshot.is_of_column(waiting):
        return replace(aim, draft=copy_of(waiting))
    return replace(aim, score=waiting)


def copy_of(score: ScoreRow, *, renewed: bool = False) -> Draft:
    """Return a score's decision as a draft, to send it again as a new score."""
    return Draft(
        score_given=score.score_given,
        reason=SENT_ANEW,
        attempt=score.attempt,
        course_id=score.course_id,
        registration_id=score.registration_id,
        inferred=score.inferred,
        asked=score.asked,
        renewed=renewed,
    )


def _ended_since(snapshot: GradeSnapshot) -> bool:
    """Tell whether a session has begun and ended since the newest decision and is unchecked."""
    newest = snapshot.scores[-1]
    since = newest.finished_at
    if newest.state not in (ScoreState.ACCEPTED, ScoreState.SUPERSEDED) or since is None:
        return False
    return any(
        session.launched_at > since
        and session.exited_at is not None
        and session.settled_at is not None
        and (newest.checked_at is None or newest.checked_at < session.settled_at)
        for registration in snapshot.registrations
        if (session := snapshot.session_of(registration)) is not None
    )


def can_read(snapshot: GradeSnapshot) -> bool:
    """Tell whether the tool may read results here; True when the grants are unknown."""
    return snapshot.granted is None or SCOPE_RESULT_READ in snapshot.granted


def can_send(snapshot: GradeSnapshot) -> bool:
    """Tell whether the tool may send scores here; True when the grants are unknown."""
    return snapshot.granted is None or SCOPE_SCORE in snapshot.granted


def needs_reading(snapshot: GradeSnapshot, aim: Aim, *, keeps_overrides: bool) -> bool:
    """Tell whether to read the gradebook cell before posting the score.

    A score that a person asked for is sent in any case. Where the LMS itself protects overrides,
    only the first score to a column needs it.
    """
    one = aim.draft or aim.score
    if one is None or one.asked or not can_read(snapshot):
        return False
    if not snapshot.result_known:
        return True
    return not (keeps_overrides and outgoing_of(snapshot, aim).sent)


def outgoing_of(snapshot: GradeSnapshot, aim: Aim) -> Outgoing:
    """Return the score to send, with the values to compare it with."""
    return compare_with(snapshot, aim.score_given, aim.score)


def next_timestamp(snapshot: GradeSnapshot, now: datetime) -> datetime:
    """Return a new score's timestamp: whole milliseconds, at least a second after the last.

    Moodle compares whole seconds.
    """
    moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
    last = snapshot.last_timestamp
    return moment if last is None else max(moment, last + AT_LEAST_APART)


def is_unclear_for_long(aim: Aim, now: datetime) -> bool:
    """Tell whether reads were unclear so often, or so long, that the score is sent anyway."""
    one = aim.draft or aim.score
    assert one is not None
    since = one.unclear_since
    return one.unclear_reads + 1 >= UNCLEAR_READS or (
        since is not None and now - since >= UNCLEAR_FOR
    )


def end_of(outcome: Outcome, snapshot: GradeSnapshot, aim: Aim, again_at: datetime) -> End:
    """Return the turn's end for the LMS's answer to a score, or to a read before it.

    `again_at` is the time of the next try, if the answer asks for one.
    """
    if isinstance(outcome, Accepted):
        text = reasons.accepted(aim.score_given, shown=outcome.shown)
        return End(ScoreState.ACCEPTED, text, standing=None if outcome.shown else Standing.PENDING)
    if isinstance(outcome, Superseded):
        return End(ScoreState.SUPERSEDED, outcome.reason)
    if isinstance(outcome, TryLater):
        return End(ScoreState.QUEUED, outcome.reason, again_at=again_at, failed=not outcome.is_ours)
    assert isinstance(outcome, ScoreRejected)
    if outcome.attempts_full and not _is_stored(snapshot, aim):
        return End(ScoreState.QUEUED, outcome.reason, renew=True, attempt_stored=True)
    return End(
        ScoreState.PARKED,
        outcome.reason,
        column_gone=outcome.line_item_gone,
        attempt_stored=outcome.attempt_stored,
    )


def _is_stored(snapshot: GradeSnapshot, aim: Aim) -> bool:
    one = aim.draft or aim.score
    registration = snapshot.registration_of(one.registration_id) if one is not None else None
    return registration is None or registration.attempt_stored


def end_unclear(aim: Aim, now: datetime, again_at: datetime) -> End:
    """Return the turn's end when the LMS refused a score as old and its read was unclear.

    After some reads the score is sent with a new timestamp, once.
    """
    one = aim.draft or aim.score
    if not is_unclear_for_long(aim, now):
        return End(ScoreState.QUEUED, UNREAD, again_at=again_at, unclear=True)
    if one is not None and one.renewed:
        return End(ScoreState.PARKED, STUCK)
    return End(ScoreState.QUEUED, SENT_UNREAD, renew=True, notes=(SENT_UNREAD,))


def decide_standing(cell: HeldGrade, given: float) -> End:
    """Return the standing of an accepted score, by what the LMS showed right after it."""
    if cell.score is None:
        if given == 0:
            return End(ScoreState.ACCEPTED, reasons.accepted(given))
        return End(ScoreState.ACCEPTED, reasons.NO_FINAL_GRADE, standing=Standing.NO_FINAL)
    if is_same(cell.score, given):
        return End(ScoreState.ACCEPTED, reasons.held(given), held=cell.score)
    text = reasons.KEPT_IN_LMS.fill(held=round(cell.score, 2), ours=given)
    return End(ScoreState.ACCEPTED, text, standing=Standing.KEPT, held=cell.score)


def next_round(snapshot: GradeSnapshot, now: datetime) -> datetime | None:
    """Return the next automatic try of a waiting score; None when the link is not used."""
    if snapshot.rounds < len(ROUNDS):
        return now + ROUNDS[snapshot.rounds]
    return now + ROUNDS[-1] if now - snapshot.link_launched_at <= STILL_USED else None
