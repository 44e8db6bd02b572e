"""Alice as a whole story leaves her: launched, graded, delivered; and Bob beside her."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.people.models import ConsoleGrant, ConsoleSession
from lti_bridge.registrations.models import Grade, Learner, Registration, StaffVisit
from tests.world import World

ALICE, BOB = "user-7", "user-8"
CONTEXT = "https://purl.imsglobal.org/spec/lti/claim/context"
LINK = "https://purl.imsglobal.org/spec/lti/claim/resource_link"


@dataclass
class People:
    """A world with two learners; `alice` and `bob` are their numbers."""

    world: World
    alice: int
    bob: int

    def registrations_of(self, learner_id: int) -> list[str]:
        query = select(Registration.registration_id).where(Registration.learner_id == learner_id)
        found = list(db.session.scalars(query.order_by(Registration.id)))
        db.session.commit()
        return found


def in_scorm_cloud(world: World) -> set[str]:
    """Return the ids of all registrations that SCORM Cloud has."""
    return world.cloud.registrations()


def launch_as(world: World, sub: str, **changes: Any) -> None:
    names = {ALICE: ("Alice", "Andersen"), BOB: ("Bob", "Berg")}
    given, family = names[sub]
    person = {
        "sub": sub,
        "given_name": given,
        "family_name": family,
        "email": f"{given.lower()}@school.example",
    }
    response = world.launch(**person, **changes)
    assert response.status_code == 303, response.text
    assert world.cloud.server.url in response.location


def make_people(world: World) -> People:
    """Alice has two registrations, a delivered score and the console; Bob has one of each."""
    launch_as(world, ALICE)
    launch_as(world, ALICE, **{LINK: {"id": "link-2", "title": "Second"}})
    launch_as(world, BOB)
    alice, bob = (_learner(sub) for sub in (ALICE, BOB))
    for row in db.session.scalars(select(Registration)).all():
        world.cloud.play(row.registration_id, completion="COMPLETED", success="PASSED", scaled=80)
    for grade in db.session.scalars(select(Grade)).all():
        _add_score(world, grade)
    for row in (alice, bob):
        _add_staff_life(world, row)
    db.session.commit()
    return People(world, alice.id, bob.id)


def _learner(sub: str) -> Learner:
    return db.session.scalars(select(Learner).where(Learner.sub == sub)).one()


def _add_score(world: World, grade: Grade) -> None:
    query = select(Registration).where(
        Registration.learner_id == grade.learner_id,
        Registration.resource_link_id == grade.resource_link_id,
    )
    now = world.services.now()
    score = Score(
        grade=grade,
        sequence=1,
        registration=db.session.scalars(query).one(),
        attempt=1,
        course_id="golf",
        inferred=False,
        score_given=80.0,
        body='{"userId":"somebody"}',
        state="accepted",
        reason="The course reported a score of 80.",
        decided_at=now,
        finished_at=now,
    )
    db.session.add(score)
    db.session.flush()
    tried = {"tried_at": now, "status": 200, "excerpt": "fine", "outcome": "accepted"}
    db.session.add(ScoreTry(score_id=score.id, **tried))


def _add_staff_life(world: World, row: Learner) -> None:
    now = world.services.now()
    db.session.add(
        StaffVisit(
            platform_identity=row.platform_identity,
            context_id="elsewhere",
            sub=row.sub,
            first_seen_at=now,
        )
    )
    grant = ConsoleGrant(platform_id=row.platform_id, sub=row.sub, asked_at=now)
    db.session.add(grant)
    db.session.flush()
    moments = {"created_at": now, "seen_at": now, "expires_at": now}
    db.session.add(ConsoleSession(token_hash=f"of {row.sub}", grant_id=grant.id, **moments))
