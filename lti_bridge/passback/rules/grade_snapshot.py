"""One grade's rows as values: the link, attempts, launches and decisions."""

from dataclasses import dataclass
from datetime import datetime

from ...lms.readings import Outgoing
from ...lti.values import Granted, PlatformValues, same_line_item
from ...registrations.grading import GradingPolicy
from ...scorm_cloud.progress import CourseOutcome, Result
from .grading_policy import Attempt, Decided
from .score_states import ScoreState, Standing
from .settlement import PollState, quiet_until


@dataclass(frozen=True)
class RegistrationRow:
    """One attempt's registration and its progress."""

    row_id: int
    registration_id: str
    account_id: int
    course_id: str
    attempt: int
    result: Result
    kept: CourseOutcome | None  # the outcome before a relaunch
    best_real: float | None
    changed_at: datetime | None
    submitted_at: datetime | None
    completed_at: datetime | None
    attempt_stored: bool  # the LMS has stored this attempt: a score is no new submission


@dataclass(frozen=True)
class LaunchRow:
    """A registration's launch whose result is looked for, else its newest."""

    launch_id: int
    registration_id: int  # row id
    correlation_id: str
    launched_at: datetime
    exited_at: datetime | None
    settled_at: datetime | None
    known: Result
    announced: str | None
    looks: PollState | None  # None: no look is planned
    ended: bool
    is_newest: bool = True  # of its registration
    besides: int = 0  # number of the registration's other launches with planned looks


@dataclass(frozen=True)
class ScoreRow:
    """An earlier decision, from its Score row.

    `timestamp` is None before the first post; `asked`: a person asked to send it, whatever the LMS
    holds; `stopped`: a person stopped it.
    """

    id: int
    registration_id: int | None
    course_id: str
    attempt: int
    inferred: bool
    score_given: float
    state: ScoreState
    reason: str
    decided_at: datetime
    finished_at: datetime | None
    timestamp: datetime | None = None
    line_item_url: str | None = None
    asked: bool = False
    stopped: bool = False
    renewed: bool = False
    standing: Standing | None = None
    held_before: float | None = None
    held_after: float | None = None
    unclear_reads: int = 0
    unclear_since: datetime | None = None
    checked_at: datetime | None = None
    sequence: int = 0

    @property
    def is_found(self) -> bool:
        """Whether it was read from the LMS instead of decided here."""
        return self.registration_id is None


@dataclass(frozen=True)
class GradeSnapshot:
    """All values that reading, deciding and sending need."""

    grade_id: int
    platform: PlatformValues
    link_row_id: int
    resource_link_id: str
    line_item_url: str | None
    line_items_url: str | None
    link_title: str | None
    creates_line_item: bool  # the setting for a missing line item
    granted: Granted  # scopes of the link's newest launch
    sub: str
    learner_id: int
    course_id: str
    policy: GradingPolicy
    result_known: bool
    resend: str | None
    last_timestamp: datetime | None
    failures: int
    link_launched_at: datetime
    paused_until: datetime | None  # until when the LMS asked for a pause
    is_throttled: bool  # a pause for too many requests: nothing ends it early
    is_probe: bool  # this grade tests whether the LMS is back
    parked_at: datetime | None
    waits: bool  # its score waits for a line item or a scope
    rounds: int  # automatic tries of a score that waits for an event
    all_registrations: tuple[RegistrationRow, ...]  # of all courses, by attempt
    sessions: tuple[LaunchRow, ...]  # one per registration
    all_scores: tuple[ScoreRow, ...]  # all decisions, the newest last

    @property
    def registrations(self) -> tuple[RegistrationRow, ...]:
        """All attempts of the current course, the newest last."""
        return tuple(row for row in self.all_registrations if row.course_id == self.course_id)

    @property
    def newest(self) -> RegistrationRow | None:
        """The registration of the newest attempt."""
        return self.registrations[-1] if self.registrations else None

    @property
    def session(self) -> LaunchRow | None:
        """The launch to look at: the newest attempt's first, then others; else its newest."""
        newest = self.session_of(self.newest) if self.newest is not None else None
        if newest is not None and newest.looks is not None:
            return newest
        looked_at = [one for one in self.sessions if one.looks is not None]
        return max(looked_at, key=lambda one: one.launch_id, default=newest)

    def session_of(self, registration: RegistrationRow) -> LaunchRow | None:
        """Return a registration's launch whose result is looked for, else its newest."""
        mine = (one for one in self.sessions if one.registration_id == registration.row_id)
        return next(mine, None)

    @property
    def scores(self) -> tuple[ScoreRow, ...]:
        """All decisions for the current course and column, the newest last."""
        return tuple(
            score
            for score in self.all_scores
            if score.course_id == self.course_id and self.is_of_column(score)
        )

    @property
    def waiting(self) -> ScoreRow | None:
        """The newest decision, of any course, if it is queued or parked."""
        score = self.all_scores[-1] if self.all_scores else None
        return (
            score
            if score is not None and score.state in (ScoreState.QUEUED, ScoreState.PARKED)
            else None
        )

    def is_of_column(self, score: ScoreRow) -> bool:
        """Tell whether a score was sent, or is to be sent, to the current column."""
        if score.line_item_url is None or self.line_item_url is None:
            return True
        return same_line_item(score.line_item_url, self.line_item_url)

    @property
    def last_sequence(self) -> int:
        """The newest decision's sequence number, 0 without any."""
        return self.all_scores[-1].sequence if self.all_scores else 0

    def registration_of(self, row_id: int | None) -> RegistrationRow | None:
        """Return the registration with this row id, or None."""
        return next((row for row in self.all_registrations if row.row_id == row_id), None)


def attempts_of(snapshot: GradeSnapshot, now: datetime) -> list[Attempt]:
    """Return the attempts as input of the grading policy.

    An open session counts as ended after a quiet time. An earlier outcome without a real score is
    left out while the result of an earlier session is still looked for.
    """
    newest = snapshot.newest.row_id if snapshot.newest is not None else None
    attempts = []
    for registration in snapshot.registrations:
        quiet = quiet_until(registration.changed_at)
        session, kept = snapshot.session_of(registration), registration.kept
        ended = (
            registration.row_id != newest
            or (session is not None and session.ended)
            or (quiet is not None and quiet <= now)
        )
        unsure = session is not None and session.looks is not None and session.looks.overlaps
        if kept is not None and not kept.is_real and (unsure or _looks_at_earlier(session)):
            kept = None
        mine = [one for one in snapshot.scores if one.attempt == registration.attempt]
        guessed = [one.score_given for one in mine if one.inferred]
        attempts.append(
            Attempt(
                registration.attempt,
                *registration.result,
                best_real=registration.best_real,
                ended=ended,
                quiet_until=quiet,
                kept=kept,
                guessed=guessed[-1] if guessed else None,
                running=tuple(
                    one.score_given for one in mine if not one.inferred and not one.is_found
                ),
            )
        )
    return attempts


def _looks_at_earlier(session: LaunchRow | None) -> bool:
    return session is not None and session.looks is not None and not session.is_newest


def newest_decision(snapshot: GradeSnapshot) -> Decided | None:
    """Return the newest decision for the current course and column."""
    return Decided(snapshot.scores[-1].score_given) if snapshot.scores else None


def found_in_lms(snapshot: GradeSnapshot) -> float | None:
    """Return the result found in the LMS after a lost database, or None."""
    return max((s.score_given for s in snapshot.scores if s.is_found), default=None)


def compare_with(snapshot: GradeSnapshot, score_given: float, score: ScoreRow | None) -> Outgoing:
    """Return a score to be sent, with the values that count as ours; `score` is its row if any.

    Ours are all values posted to this column from the last accepted one on, whatever the answer,
    and what the LMS held right before and after them: a post that failed leaves the value that it
    was to replace.
    """
    posted = [
        one
        for one in snapshot.all_scores
        if snapshot.is_of_column(one) and (one.timestamp is not None or one.is_found)
    ]
    accepted = [number for number, one in enumerate(posted) if one.state == ScoreState.ACCEPTED]
    since = posted[accepted[-1] :] if accepted else posted
    values = [one.score_given for one in since]
    held = [one.held_before for one in since] + [one.held_after for one in since]
    values += [value for value in held if value is not None]
    newest = snapshot.scores[-1] if snapshot.scores else None
    return Outgoing(
        score_given=score_given,
        ours=tuple(values),
        sent=bool(posted),
        tried=score is not None and score.timestamp is not None,
        keeps=snapshot.policy.teacher_grade == "keep",
        found=not snapshot.result_known or (newest is not None and newest.is_found),
    )
