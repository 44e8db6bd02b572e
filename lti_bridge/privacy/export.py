"""Export of everything stored about one learner, here and in SCORM Cloud, as JSON."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import inspect as inspect_model
from sqlalchemy import select

from ..core.db import Base, db, reading
from ..core.errors import Refused, Unavailable
from ..passback.models import Score, ScoreTry
from ..people.models import ConsoleGrant, ConsoleSession
from ..platforms.models import Platform, ScormAccount
from ..registrations.models import Grade, Launch, Learner, Registration, TrailEvent
from ..services import Services
from .learners import FoundLearner, get_learner, kinds_of

# Technical columns, such as leases and foreign keys, which are not personal data.
INTERNAL = {
    "id",
    "learner_id",
    "platform_id",
    "resource_link_id",
    "grade_id",
    "score_id",
    "scorm_account_id",
    "deployment_id",
    "account_id",
    "grant_id",
    "lease_token",
    "lease_until",
    "create_lease_token",
    "create_lease_until",
    "generation",
    "token_hash",
}
NOTES = (
    "Grades in the gradebook of the LMS belong to the LMS; they are not part of this export.",
    "Log files of the bridge hold no names, addresses or tokens.",
    "What SCORM Cloud reports was asked for at the moment of this export.",
)
Document = dict[str, Any]
Call = tuple[Document, ScormAccount, str]


def export_learner(services: Services, learner_id: int) -> Document:
    """Return what is stored about a learner, and what SCORM Cloud reports now.

    Values are JSON types; times are ISO 8601 in UTC. Where SCORM Cloud does not answer or refuses,
    its part says so instead. Raises ConfigurationError when there is no such learner. No
    transaction is open during the calls.
    """
    with reading():
        learner = get_learner(learner_id)
        document, calls = _ours(services, learner)
    _ask_scorm_cloud(services, calls)
    return document


def _ours(services: Services, learner: FoundLearner) -> tuple[Document, list[Call]]:
    row = db.session.get_one(Learner, learner.learner_id)
    registrations, calls = _registrations(row)
    document = {
        "exported_at": services.now().isoformat(),
        "from": services.settings.public_url,
        "notes": list(NOTES),
        "learner": _plain(row),
        "platform": _platform(row.platform),
        "registrations": registrations,
        "grades": [_grade(grade) for grade in _all(Grade, Grade.learner_id == row.id)],
        "staff_visits": _kind(learner, "staff visits"),
        "console_grants": [_grant(grant) for grant in _rows(learner, "console grants")],
    }
    return document, calls


def _platform(row: Platform) -> Document:
    return {"name": row.name, "issuer": row.issuer, "client_id": row.client_id}


def _registrations(learner: Learner) -> tuple[list[Document], list[Call]]:
    shown, calls = [], []
    for row in _all(Registration, Registration.learner_id == learner.id):
        mine = _activity(row) | _plain(row) | {"scorm_cloud_account": row.account.name}
        for key, model in (("launches", Launch), ("trail", TrailEvent)):
            rows = _all(model, model.registration_id == row.id)
            mine[key] = plain_all(rows, {"registration_id"})
        shown.append(mine)
        calls.append((mine, row.account, row.registration_id))
    return shown, calls


def _activity(row: Registration | Grade) -> Document:
    link = row.resource_link
    return {
        "activity": link.title or link.resource_link_id,
        "course_in_the_lms": link.context_title or link.context_id,
    }


def _grade(row: Grade) -> Document:
    scores = []
    for score in _all(Score, Score.grade_id == row.id):
        tries = plain_all(_all(ScoreTry, ScoreTry.score_id == score.id))
        name = score.registration.registration_id if score.registration else None
        scores.append(_plain(score) | {"registration_id": name, "tries": tries})
    return _activity(row) | _plain(row) | {"scores": scores}


def _grant(row: ConsoleGrant) -> Document:
    sessions = _all(ConsoleSession, ConsoleSession.grant_id == row.id)
    return _plain(row) | {"sessions": plain_all(sessions)}


def _kind(learner: FoundLearner, kind: str) -> list[Document]:
    return plain_all(_rows(learner, kind))


def _rows(learner: FoundLearner, kind: str) -> Any:
    model, condition = kinds_of(learner)[kind]
    return _all(model, condition)


def _all(model: type[Base], condition: Any) -> Any:
    (key,) = inspect_model(model).primary_key
    return db.session.scalars(select(model).where(condition).order_by(key)).all()


def plain_all(rows: Iterable[Base], but: Collection[str] = ()) -> list[Document]:
    """Return rows as JSON values, without technical columns."""
    return [_plain(row, but) for row in rows]


def _plain(row: Base, but: Collection[str] = ()) -> Document:
    """Return a row as JSON values, without technical columns."""
    names = [column.key for column in inspect_model(type(row)).columns]
    wanted = [name for name in names if name not in INTERNAL and name not in but]
    return {name: _value(getattr(row, name)) for name in wanted}


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _ask_scorm_cloud(services: Services, calls: list[Call]) -> None:
    """Add SCORM Cloud's report to each registration, or the reason why it is missing.

    An account that does not answer is not called again in the same export.
    """
    silent: dict[int, str] = {}
    for document, account, name in calls:
        if account.id in silent:
            document["scorm_cloud"] = {"not_asked": silent[account.id]}
            continue
        asked_at = services.now().isoformat()
        try:
            reported = services.scorm_cloud(account).get_registration_in_full(name)
            document["scorm_cloud"] = {"asked_at": asked_at, "reported": reported}
        except Unavailable as error:
            silent[account.id] = f"SCORM Cloud did not answer: {error}"
            document["scorm_cloud"] = {"asked_at": asked_at, "problem": silent[account.id]}
        except Refused as error:
            said = f"{error}. {error.explanation}".strip(". ")
            document["scorm_cloud"] = {"asked_at": asked_at, "problem": said}
