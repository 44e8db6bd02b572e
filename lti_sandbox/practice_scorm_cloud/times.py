"""Times as SCORM Cloud writes them: UTC with milliseconds and a Z."""

from datetime import UTC, datetime, timedelta

from lti_sandbox.practice_scorm_cloud.errors import ApiError


def now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write a moment as `2026-11-02T09:00:00.000Z`; the text sorts as the time does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_stamp(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


def parse_filter(name: str, text: str | None) -> str | None:
    """Read a `since` or `until` of a query, UTC when it names no zone; ApiError 400 else."""
    if not text:
        return None
    try:
        # An unencoded plus sign arrives as a space.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+", 1) if "T" in text else text)
    except ValueError:
        sentence = f"The value of {name}, '{text}', is not formatted according to ISO 8601."
        raise ApiError(400, sentence) from None
    return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def later(moment: str, seconds: float) -> str:
    """Return a stamp that lies some seconds after another."""
    return stamp(parse_stamp(moment) + timedelta(seconds=seconds))
