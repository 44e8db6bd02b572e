"""Rows of a bridge at work, written straight into the database: learners, registrations, grades."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import insert, select

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Deployment, ScormAccount
from lti_bridge.registrations.models import Grade, Launch, Learner, Registration, ResourceLink

AT_ONCE = 5000
SPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


def add_link(title: str, line_item_url: str, at: datetime) -> int:
    """Add one activity of the only deployment; returns its number. Commits."""
    deployment = db.session.scalars(select(Deployment)).one()
    link = ResourceLink(
        deployment_id=deployment.id,
        deployment_identity=deployment.identity,
        resource_link_id=title,
        context_id=title,
        title=title,
        custom_course="bench",
        line_item_url=line_item_url,
        line_items_url=None,
        service_scopes=None,
        created_at=at,
        launched_at=at,
    )
    db.session.add(link)
    db.session.commit()
    return link.id


def add_finished(link_id: int, count: int, at: datetime, *, first: int = 1, due: bool) -> None:
    """Add learners who finished with a score of 80: due to be sent, or long since delivered.

    `first` numbers the learners, so that several calls make different ones. Commits in batches.
    """
    platform = db.session.get_one(ResourceLink, link_id).deployment.platform
    account_id = db.session.scalars(select(ScormAccount.id)).first()
    for start in range(first, first + count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, first + count))
        subs = [f"{link_id}-{number}" for number in numbers]
        learners = [
            {
                "platform_id": platform.id,
                "platform_identity": platform.identity,
                "sub": sub,
                "scorm_learner_id": str(uuid5(SPACE, sub)),
                "created_at": at,
            }
            for sub in subs
        ]
        ids = _insert(Learner, learners)
        registrations = [
            _registration(link_id, learner, sub, account_id, at)
            for learner, sub in zip(ids, subs, strict=True)
        ]
        registration_ids = _insert(Registration, registrations)
        _insert(Launch, [_launch(registration, at) for registration in registration_ids])
        grades = [
            {
                "resource_link_id": link_id,
                "learner_id": learner,
                "platform_id": platform.id,
                "generation": 1,
                "next_send_at": at if due else None,
                "waits_for_line_item": False,
                "result_known": True,
            }
            for learner in ids
        ]
        grade_ids = _insert(Grade, grades)
        if not due:
            _insert(
                Score, [_score(g, s, at) for g, s in zip(grade_ids, registration_ids, strict=True)]
            )
        db.session.commit()


def _insert(model: Any, rows: list[dict[str, Any]]) -> list[int]:
    statement = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(db.session.scalars(statement, rows))


def _registration(
    link_id: int, learner: int, sub: str, account_id: int | None, at: datetime
) -> dict[str, Any]:
    return {
        "registration_id": str(uuid5(SPACE, f"seat {sub}")),
        "resource_link_id": link_id,
        "learner_id": learner,
        "course_id": "bench",
        "attempt": 1,
        "scorm_account_id": account_id,
        "opened_at": at,
        "created_at": at,
        "launched_at": at,
        "recovered": False,
        "completion": "COMPLETED",
        "success": "PASSED",
        "score_scaled": 80.0,
        "best_real_score": 80.0,
        "progress_asked_at": at,
        "progress_changed_at": at,
    }


def _launch(registration: int, at: datetime) -> dict[str, Any]:
    return {
        "registration_id": registration,
        "launched_at": at,
        "cookie_rung": "cookie",
        "correlation_id": "0" * 16,
        "known_completion": "UNKNOWN",
        "known_success": "UNKNOWN",
        "exited_at": at + timedelta(minutes=20),
        "settled_at": at + timedelta(minutes=21),
    }


def _score(grade: int, registration: int, at: datetime) -> dict[str, Any]:
    return {
        "grade_id": grade,
        "sequence": 1,
        "registration_id": registration,
        "attempt": 1,
        "course_id": "bench",
        "inferred": False,
        "score_given": 80.0,
        "state": "accepted",
        "reason": "The course reported a score of 80.",
        "decided_at": at,
        "finished_at": at,
        "timestamp": at,
        "body": "{}",
    }
