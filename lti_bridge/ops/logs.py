"""Logging of long-running processes: text or JSON, with the correlation id."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Flask

from ..core import correlation
from ..core.config import Settings
from ..core.events import Events
from .redaction import describe_failure, one_line, redact

# Events too frequent for the log; metrics count them.
UNTOLD = ("request", "launch_refused", "scorm_cloud_call")
STORY = "lti_bridge.story"
# huey and alembic log details at every start; at the level debug urllib3 logs URLs with their
# query, and gunicorn every path.
QUIETED = {
    "huey": logging.WARNING,
    "alembic": logging.WARNING,
    "urllib3": logging.INFO,
    "gunicorn": logging.INFO,
}
logger = logging.getLogger(STORY)


class SafeFormatter(logging.Formatter):
    """A line of text: time, level, logger, message, correlation id."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, followed by the place of an exception."""
        facts = _facts(record)
        told = facts.pop("correlation_id", "")
        message, failure = one_line(str(facts["message"])), facts.get("exception")
        mark = f" [{told}]" if told and str(told) not in message else ""
        line = f"{facts['time']} {facts['level']} {facts['logger']}: {message}{mark}"
        return f"{line}\n{failure}" if failure else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for a log collector."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object; JSON itself keeps it on one line."""
        return json.dumps(_facts(record), ensure_ascii=False)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": redact(record.getMessage()),
        "correlation_id": correlation.current(),
    }
    if (event := getattr(record, "event", None)) is not None:
        facts["event"] = event
    if record.exc_info and record.exc_info[1] is not None:
        facts["exception"] = describe_failure(record.exc_info[1])
    return facts


def start_logging(settings: Settings) -> None:
    """Configure logging to standard error, for long-running processes."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.ops.log_format == "json" else SafeFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(True)
    for name, least in QUIETED.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def name_requests(app: Flask) -> None:
    """Give every request a correlation id, until that of its launch is known."""

    def begin() -> None:
        correlation.follow(correlation.new_id())

    def end(_error: BaseException | None) -> None:
        correlation.follow("")

    app.before_request(begin)
    app.teardown_request(end)


def log_events(events: Events) -> None:
    """Log a line for every event; the correlation id connects those of one launch."""

    def tell(name: str, labels: Mapping[str, str | float]) -> None:
        if name in UNTOLD:
            return
        words = [f"{label}={value}" for label, value in labels.items() if value != ""]
        event = {"name": name, **labels}
        logger.info("%s", " ".join([name, *words]), extra={"event": event})

    events.subscribe(tell)
