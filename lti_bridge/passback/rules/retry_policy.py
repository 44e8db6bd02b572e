"""Retries: how long to wait after a failure, and when to give up."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Backoff:
    """Seconds before the first retry, and the maximum that doubling reaches."""

    first_seconds: float = 5.0
    most_seconds: float = 3600.0


def wait_seconds(
    failures: int, chance: float, backoff: Backoff, retry_after: float | None = None
) -> float:
    """Return the seconds to wait after the `failures`-th consecutive failure.

    Doubles each time up to the maximum, with jitter (`chance`, 0 to 1, gives half to all of it);
    at least `retry_after`, of which a day at most counts.
    """
    whole = min(backoff.most_seconds, backoff.first_seconds * 2.0 ** min(max(0, failures - 1), 30))
    jittered = whole * (0.5 + 0.5 * chance)
    return max(jittered, min(retry_after or 0.0, 24 * 3600.0))


def gives_up(decided_at: datetime, now: datetime, give_up_days: float) -> bool:
    """Tell whether a score has been tried for so long that it is parked."""
    return now - decided_at > timedelta(days=give_up_days)
