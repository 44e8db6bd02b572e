"""One grade's case as values: who, where, which attempts, what was decided. No row outlives it."""

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
    """One attempt's registration, and what is known of it."""

    row_id: int
    registration_id: str
    account_id: int
    course_id: str
    attempt: int
    result: Result
    kept: CourseOutcome | None  # before it was opened again
    best_real: float | None
    changed_at: datetime | None
    submitted_at: datetime | None
    completed_at: datetime | None
    attempt_stored: bool  # the LMS has the learner's attempt: a score makes no new one


@dataclass(frozen=True)
class LaunchRow:
    """The launch whose result is looked for (or the newest one), as it stands."""

    launch_id: int
    registration_id: int  # the row's
    correlation_id: str
    launched_at: datetime
    exited_at: datetime | None
    settled_at: datetime | None
    known: Result
    announced: str | None
    looks: PollState | None  # None: no look is wanted
    ended: bool
    is_newest: bool = True  # of its registration
    besides: int = 0  # other launches of its registration that are looked at


@dataclass(frozen=True)
class ScoreRow:
    """One decision of before, as its Score's row has it.

    `timestamp` is that of its first post, None before it; `asked`: a person wanted it sent,
    whatever stands; `stopped`: a person took it out of the way.
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
        """A result that the LMS held, and no decision of ours."""
        return self.registration_id is None


@dataclass(frozen=True)
class GradeSnapshot:
    """Everything that reading, deciding and sending need."""

    grade_id: int
    platform: PlatformValues
    link_row_id: int
    resource_link_id: str
    line_item_url: str | None
    line_items_url: str | None
    link_title: str | None
    creates_line_item: bool  # when it has none: an admin wants that
    granted: Granted  # scopes, by the link's newest launch
    sub: str
    learner_id: int
    course_id: str
    policy: GradingPolicy
    result_known: bool
    resend: str | None
    last_timestamp: datetime | None
    failures: int
    link_launched_at: datetime
    paused_until: datetime | None  # the LMS asked to be left alone
    is_throttled: bool  # because of too many requests: then nothing ends it early
    is_probe: bool  # this grade may find out whether it is back
    parked_at: datetime | None
    waits: bool  # its score waits for a line item or a scope
    rounds: int  # how often a score that waits for an event was tried by itself
    all_registrations: tuple[RegistrationRow, ...]  # of every course, by attempt
    sessions: tuple[LaunchRow, ...]  # of each registration the one looked at, else its newest
    all_scores: tuple[ScoreRow, ...]  # every decision, the newest last

    @property
    def registrations(self) -> tuple[RegistrationRow, ...]:
        """Every attempt of the current course, the newest last."""
        return tuple(row for row in self.all_registrations if row.course_id == self.course_id)

    @property
    def newest(self) -> RegistrationRow | None:
        """The registration of the newest attempt."""
        return self.registrations[-1] if self.registrations else None

    @property
    def session(self) -> LaunchRow | None:
        """The launch whose result is looked for: the newest attempt's first; else its newest."""
        newest = self.session_of(self.newest) if self.newest is not None else None
        if newest is not None and newest.looks is not None:
            return newest
        looked_at = [one for one in self.sessions if one.looks is not None]
        return max(looked_at, key=lambda one: one.launch_id, default=newest)

    def session_of(self, registration: RegistrationRow) -> LaunchRow | None:
        """Return the launch of a registration that is looked at, else its newest."""
        mine = (one for one in self.sessions if one.registration_id == registration.row_id)
        return next(mine, None)

    @property
    def scores(self) -> tuple[ScoreRow, ...]:
        """Every decision of the current course for the current column, the newest last."""
        return tuple(
            score
            for score in self.all_scores
            if score.course_id == self.course_id and self.is_of_column(score)
        )

    @property
    def waiting(self) -> ScoreRow | None:
        """The newest decision of all if it has not arrived, whichever course it is of."""
        score = self.all_scores[-1] if self.all_scores else None
        return (
            score
            if score is not None and score.state in (ScoreState.QUEUED, ScoreState.PARKED)
            else None
        )

    def is_of_column(self, score: ScoreRow) -> bool:
        """Tell whether a score went, or is to go, to the column as it is now."""
        if score.line_item_url is None or self.line_item_url is None:
            return True
        return same_line_item(score.line_item_url, self.line_item_url)

    @property
    def last_sequence(self) -> int:
        """The number of the newest decision, 0 without any."""
        return self.all_scores[-1].sequence if self.all_scores else 0

    def registration_of(self, row_id: int | None) -> RegistrationRow | None:
        """Return the registration with this row id."""
        return next((row for row in self.all_registrations if row.row_id == row_id), None)


def attempts_of(snapshot: GradeSnapshot, now: datetime) -> list[Attempt]:
    """Return the attempts as the grading policy takes them.

    One whose session is open counts as ended after a quiet time. What stood in for a real score
    before this session is not sure while the result of an earlier one is still looked for.
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
    """Return what was decided last for the current course and column."""
    return Decided(snapshot.scores[-1].score_given) if snapshot.scores else None


def found_in_lms(snapshot: GradeSnapshot) -> float | None:
    """Return the result that the LMS held after a lost database, if one was found."""
    return max((s.score_given for s in snapshot.scores if s.is_found), default=None)


def compare_with(snapshot: GradeSnapshot, score_given: float, score: ScoreRow | None) -> Outgoing:
    """Return what a score on its way is to be compared with; `score` when it has a row.

    Ours is what we posted to this column, whatever came of it, from the last accepted one on, and
    what stood there right before and after that: a post that did not land leaves what it was to
    take the place of.
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
