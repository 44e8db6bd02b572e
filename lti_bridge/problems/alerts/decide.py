"""Decide which problems to alert about and which have ended, from those now and before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..problem import Problem

# No alert for a problem shorter than a minute; a gap below two minutes does not end it.
CONFIRMED_AFTER = timedelta(seconds=60)
ENDED_AFTER = timedelta(minutes=2)
# More than this many at once for one channel become one message.
SINGLE_AT_MOST = 5

BEGAN, ENDED, DIGEST, TEST = "began", "ended", "digest", "test"


@dataclass(frozen=True)
class SeenFacts:
    """The stored state of a problem seen before."""

    id: int
    key: str
    kind: str
    what: str
    since: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    alerted_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class ChannelFacts:
    """An enabled channel."""

    id: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class AlertLine:
    """One problem in a message; `ended_at` is set when it is over."""

    kind: str
    key: str
    what: str
    since: datetime | None
    detail: str = ""
    learners: int | None = None
    who: str = ""
    how: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class AlertNeeded:
    """One message to create for one channel."""

    channel_id: int
    event: str
    lines: tuple[AlertLine, ...]


@dataclass(frozen=True)
class AlertDecision:
    """Changes of the rows, and the messages to create.

    `new` problems get a row; the rows of `anew` restart; `lasting` (row ids) are seen again; `told`
    (by row id) are announced now; `ended` (row ids) are over.
    """

    new: tuple[Problem, ...]
    anew: tuple[tuple[int, Problem], ...]
    lasting: tuple[int, ...]
    told: Mapping[int, Problem]
    ended: tuple[int, ...]
    messages: tuple[AlertNeeded, ...]


def decide(
    problems: Sequence[Problem],
    seen: Sequence[SeenFacts],
    channels: Sequence[ChannelFacts],
    now: datetime,
) -> AlertDecision:
    """Compare the current problems with the stored ones and return the changes.

    Without a channel nothing counts as announced: a lasting problem is announced once there is one.
    """
    present: dict[str, Problem] = {}
    for problem in problems:
        present.setdefault(problem.key, problem)
    rows = {row.key: row for row in seen}
    lasting = {key: rows[key] for key in present if key in rows and rows[key].ended_at is None}
    told = {
        row.id: present[key]
        for key, row in lasting.items()
        if channels and _is_due(present[key], row, now)
    }
    ended = [row for row in seen if _is_over(row, present, now)]
    return AlertDecision(
        new=tuple(present[key] for key in present if key not in rows),
        anew=tuple(
            (rows[key].id, present[key]) for key in present if key in rows and key not in lasting
        ),
        lasting=tuple(row.id for row in lasting.values()),
        told=told,
        ended=tuple(row.id for row in ended),
        messages=(*_begins(list(told.values()), channels), *_ends(ended, channels)),
    )


def _is_due(problem: Problem, row: SeenFacts, now: datetime) -> bool:
    confirmed = now - row.first_seen_at >= CONFIRMED_AFTER
    waited = now >= (problem.since or row.first_seen_at) + problem.told_after
    return problem.serious and row.alerted_at is None and confirmed and waited


def _is_over(row: SeenFacts, present: Mapping[str, Problem], now: datetime) -> bool:
    gone = row.key not in present and row.ended_at is None
    return gone and now - row.last_seen_at >= ENDED_AFTER


def line_of(problem: Problem) -> AlertLine:
    """Return a current problem's line of a message."""
    return AlertLine(
        kind=problem.kind,
        key=problem.key,
        what=problem.what,
        since=problem.since,
        detail=problem.detail,
        learners=problem.learners,
        who=problem.who,
        how=problem.how,
    )


def _line_of_end(row: SeenFacts) -> AlertLine:
    return AlertLine(
        kind=row.kind, key=row.key, what=row.what, since=row.since, ended_at=row.last_seen_at
    )


def _begins(told: Sequence[Problem], channels: Sequence[ChannelFacts]) -> list[AlertNeeded]:
    lines = [line_of(problem) for problem in told]
    return [one for channel in channels for one in _messages(channel, BEGAN, lines)]


def _ends(ended: Sequence[SeenFacts], channels: Sequence[ChannelFacts]) -> list[AlertNeeded]:
    """Skip channels that were created after the problem was announced."""
    found: list[AlertNeeded] = []
    for channel in channels:
        known = [row for row in ended if row.alerted_at and channel.created_at <= row.alerted_at]
        found += _messages(channel, ENDED, [_line_of_end(row) for row in known])
    return found


def _messages(channel: ChannelFacts, event: str, lines: Sequence[AlertLine]) -> list[AlertNeeded]:
    if len(lines) > SINGLE_AT_MOST:
        return [AlertNeeded(channel.id, event, tuple(lines))]
    return [AlertNeeded(channel.id, event, (line,)) for line in lines]


def next_digest_at(now: datetime, hour: int) -> datetime:
    """Return when the next digest is due: at `hour` UTC, after `now`."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
