"""When to try again after a failure, and when to stop."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Backoff:
    """Seconds before the first repeat, and the most that it doubles to."""

    first_seconds: float = 5.0
    most_seconds: float = 3600.0


def wait_seconds(
    failures: int, chance: float, backoff: Backoff, retry_after: float | None = None
) -> float:
    """Return how long to wait after the `failures`-th failure in a row.

    Doubles each time, with jitter (`chance` is 0 to 1: half to the whole of it), never more than
    the most, and never less than the remote asked for.
    """
    whole = min(backoff.most_seconds, backoff.first_seconds * 2.0 ** min(max(0, failures - 1), 30))
    jittered = whole * (0.5 + 0.5 * chance)
    return max(jittered, min(retry_after or 0.0, 24 * 3600.0))


def gives_up(decided_at: datetime, now: datetime, give_up_days: float) -> bool:
    """Tell whether a score has been tried for long enough to be parked."""
    return now - decided_at > timedelta(days=give_up_days)
