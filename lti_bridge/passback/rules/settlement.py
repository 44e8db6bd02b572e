"""Is this exit's result here yet? When to look again, and when to stop looking."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...scorm_cloud.progress import Completion, LaunchHistoryEntry, Success

SCHEDULE = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0)
SCHEDULE_WITH_POSTBACKS = (0.0, 12.0, 30.0)
READS_AT_MOST = 7
# A session that nobody ended counts as ended after this time without any change.
QUIET = timedelta(minutes=30)


@dataclass(frozen=True)
class PollState:
    """The looks at one launch: since when, and how many of each kind were made."""

    since: datetime
    made: int = 0
    history_made: int = 0
    postbacks_work: bool = False
    # The launch began while an earlier exit was unsettled: what differs may be that one's.
    overlaps: bool = False
    exited: bool = True  # False: a postback began these looks, the learner is still at it

    @property
    def schedule(self) -> tuple[float, ...]:
        """Seconds after the exit at which to look."""
        return SCHEDULE_WITH_POSTBACKS if self.postbacks_work else SCHEDULE


@dataclass(frozen=True)
class Seen:
    """What a look brought: news since the launch, and what the decision rests on.

    `rests_on_result`: on a real score; `inferred`: on what stands in for one.
    """

    differs: bool
    rests_on_result: bool
    inferred: bool = False
    announced: bool = False  # it is what a postback had announced
    ended: bool = False  # the launch history shows that this launch ended


def next_look_at(looks: PollState, now: datetime) -> datetime | None:
    """Return when to look again after `looks.made` looks; None when the schedule is over.

    A look that comes late takes the place of those it missed. One that a postback or a second
    exit woke early takes nobody's place, until seven reads are near: then only the last is left.
    """
    moments = [looks.since + timedelta(seconds=offset) for offset in looks.schedule]
    if looks.made >= READS_AT_MOST - 1:
        moments = moments[-1:]
    return next((moment for moment in moments if moment > now), None)


def is_settled(looks: PollState, seen: Seen) -> bool:
    """Tell whether this exit's result has arrived, so that no further look is needed.

    Completion, success or score must differ from what was known at the launch, and the decision
    must rest on a real score; or the launch history shows the end. A course that announces
    completed, passed or failed before its score settles no exit by that: the score is to come.
    """
    if looks.overlaps:
        return False
    if seen.ended:
        return True
    if seen.rests_on_result:
        return seen.differs or seen.announced
    return seen.announced and not looks.exited


def wants_history(looks: PollState, seen: Seen) -> bool:
    """Tell whether to ask the launch history now: an inferred grade must not come too early.

    At the first look that infers a grade, and again at the last look but one, as long as all
    reads of this exit stay within seven.
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
    """Tell whether the launch history has a result that an earlier answer did not have yet.

    Results may arrive between the two questions; then that answer is no word on how it ended.
    """
    if end.score_scaled is not None and end.score_scaled != score:
        return True
    if end.success != Success.UNKNOWN and end.success != success:
        return True
    return end.completion == Completion.COMPLETED != completion


def quiet_until(changed_at: datetime | None) -> datetime | None:
    """Return when a session without an exit counts as ended."""
    return None if changed_at is None else changed_at + QUIET
