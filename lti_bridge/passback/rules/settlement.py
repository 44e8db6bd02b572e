"""Settlement: whether an exit's result has arrived, and when to look again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...scorm_cloud.progress import Completion, LaunchHistoryEntry, Success

SCHEDULE = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0)
SCHEDULE_WITH_POSTBACKS = (0.0, 12.0, 30.0)
READS_AT_MOST = 7
# A session without an exit counts as ended when its progress has not changed for this time.
QUIET = timedelta(minutes=30)


@dataclass(frozen=True)
class PollState:
    """The looks at one launch: their start, and how many of each kind were made."""

    since: datetime
    made: int = 0
    history_made: int = 0
    postbacks_work: bool = False
    # The launch began while an earlier exit was unsettled: a change may belong to that one.
    overlaps: bool = False
    exited: bool = True  # False: a postback started the looks during the session

    @property
    def schedule(self) -> tuple[float, ...]:
        """Seconds after the exit at which to look."""
        return SCHEDULE_WITH_POSTBACKS if self.postbacks_work else SCHEDULE


@dataclass(frozen=True)
class Seen:
    """What a look found: changes since the launch, and the basis of the decision.

    `rests_on_result`: on a real score; `inferred`: on an outcome without one.
    """

    differs: bool
    rests_on_result: bool
    inferred: bool = False
    announced: bool = False  # it equals what a postback announced
    ended: bool = False  # the launch history shows that this launch ended


def next_look_at(looks: PollState, now: datetime) -> datetime | None:
    """Return when to look again after `looks.made` looks; None when the schedule has ended.

    A late look replaces those that it missed. An early one, after a postback or a second exit,
    replaces none, until READS_AT_MOST is near: then only the last is left.
    """
    moments = [looks.since + timedelta(seconds=offset) for offset in looks.schedule]
    if looks.made >= READS_AT_MOST - 1:
        moments = moments[-1:]
    return next((moment for moment in moments if moment > now), None)


def is_settled(looks: PollState, seen: Seen) -> bool:
    """Tell whether this exit's result has arrived, so that no further look is needed.

    Completion, success or score must differ from the launch's, and the decision must use a real
    score; or the launch history shows the end. A course that reports completed, passed or failed
    before its score does not settle the exit: the score may follow.
    """
    if looks.overlaps:
        return False
    if seen.ended:
        return True
    if seen.rests_on_result:
        return seen.differs or seen.announced
    return seen.announced and not looks.exited


def wants_history(looks: PollState, seen: Seen) -> bool:
    """Tell whether to read the launch history now, so that no grade is inferred too early.

    At the first look that infers a grade, and at the last but one, as long as all reads of this
    exit stay within READS_AT_MOST.
    """
    if not seen.inferred or seen.ended:
        return False
    last_but_one = looks.made >= len(looks.schedule) - 1
    if looks.history_made and not last_but_one:
        return False
    remaining = max(0, len(looks.schedule) - looks.made)
    return looks.made + looks.history_made + 1 + remaining <= READS_AT_MOST


def knows_more_than(
    end: LaunchHistoryEntry, completion: Completion, success: Success, score: float | None
) -> bool:
    """Tell whether the launch history has a result that the earlier progress did not have.

    The result may arrive between the two requests; then that progress is not the final one.
    """
    if end.score_scaled is not None and end.score_scaled != score:
        return True
    if end.success != Success.UNKNOWN and end.success != success:
        return True
    return end.completion == Completion.COMPLETED != completion


def quiet_until(changed_at: datetime | None) -> datetime | None:
    """Return when a session without an exit counts as ended."""
    return None if changed_at is None else changed_at + QUIET
