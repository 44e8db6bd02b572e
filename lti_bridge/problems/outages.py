"""Current outages: noted at each call, stored in rows, deleted when the call works again."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, update

from ..core.db import db, insert_if_new
from ..core.errors import Unavailable
from ..ops.kept_checks import account_subject
from ..services import Services
from .models import Outage
from .problem import ProblemKind

NOTES = "outage_notes"
LONGEST = 500
QUEUE = "queue"
# Events that report a success or, with `failure`, a failure.
KINDS = {
    "scorm_cloud_call": ProblemKind.SCORM_CLOUD,
    "sweep": ProblemKind.SWEEP,
    "sweep_failed": ProblemKind.SWEEP,
}


@dataclass(frozen=True)
class _Outcome:
    failure: str
    is_refusal: bool = False


class OutageNotes:
    """The newest outcome by kind and subject, as this process has seen it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[tuple[str, str], _Outcome] = {}

    def note(self, name: str, labels: Mapping[str, str | float]) -> None:
        """Note an event of the bridge; irrelevant ones are ignored."""
        kind = KINDS.get(name)
        if kind is None:
            return
        failure = " ".join(str(labels.get("failure", "")).split())[:LONGEST]
        outcome = _Outcome(failure, bool(labels.get("is_refusal", False)))
        with self._lock:
            self._newest[kind, account_subject(int(labels["account"]))] = outcome

    def take(self) -> dict[tuple[str, str], _Outcome]:
        """Return and clear the notes by kind and subject."""
        with self._lock:
            taken, self._newest = self._newest, {}
            return taken


def write_outages(services: Services, notes: OutageNotes) -> None:
    """Store what fails, delete what works again; also checks the queue. Commits."""
    outcomes = notes.take() | {(ProblemKind.QUEUE.value, QUEUE): _ask_queue(services)}
    for (kind, subject), outcome in sorted(outcomes.items()):
        mine = Outage.kind == kind, Outage.subject == subject
        if not outcome.failure:
            db.session.execute(delete(Outage).where(*mine))
        else:
            now = services.now()
            newest = {
                "failed_at": now,
                "failure": outcome.failure,
                "is_refusal": outcome.is_refusal,
            }
            key = {"kind": kind, "subject": subject}
            if not insert_if_new(db.session, Outage, **key, began_at=now, **newest):
                db.session.execute(update(Outage).where(*mine).values(newest))
        db.session.commit()


def _ask_queue(services: Services) -> _Outcome:
    try:
        services.queue.ping()
    except Unavailable as error:
        return _Outcome(str(error))
    return _Outcome("")
