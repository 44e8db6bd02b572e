"""Staff who never learnt: what is kept of them is found, handed out, erased, and forgotten."""

import json

import pytest
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.people.models import ConsoleGrant
from lti_bridge.privacy.learners import find_learners
from lti_bridge.privacy.staff_users import (
    erase_staff_user,
    export_staff_user,
    find_staff_users,
    get_staff_user,
)
from lti_bridge.registrations.models import StaffVisit
from tests.console.visitors import knock, sign_in_owner
from tests.mini_platform import INSTRUCTOR
from tests.world import World, count

CONTEXTS = ({"id": "c1", "title": "Sports"}, {"id": "c2", "title": "Arts"})


@pytest.fixture
def ida(world: World) -> int:
    """The number of Ida, who has taught in two contexts."""
    for context in CONTEXTS:
        world.launch(sub="ida", roles=[INSTRUCTOR], context=context)
    (found,) = find_staff_users(" ida ")
    db.session.commit()
    return found.number


def test_finds_staff_by_user_id(world: World, ida: int) -> None:
    (found,) = find_staff_users("ida")

    assert (found.sub, found.platform_name, found.visits) == ("ida", "School", 2)
    assert found.seen_at == world.services.now()
    assert (find_staff_users("id"), find_staff_users(""), find_learners("ida")) == ([], [], [])
    assert find_staff_users("ida", platform_id=found.platform_id) == [found]
    assert find_staff_users("ida", platform_id=found.platform_id + 1) == []


def test_who_learns_too_is_found_as_a_learner(world: World, ida: int) -> None:
    world.launch(sub="ida", context={"id": "c3"})

    assert find_staff_users("ida") == []
    assert [one.sub for one in find_learners("ida")] == ["ida"]


def test_hands_out_all_that_is_kept(world: World, ida: int) -> None:
    knock(world, "ida")

    document = export_staff_user(world.services, ida)

    assert document["user"] == {"sub": "ida", "platform": "School"}
    assert sorted(visit["context_id"] for visit in document["staff_visits"]) == ["c1", "c2"]
    assert [grant["sub"] for grant in document["console_grants"]] == ["ida"]
    assert json.loads(json.dumps(document)) == document


def test_erases_all_that_is_kept(world: World, ida: int) -> None:
    knock(world, "ida")
    world.launch(sub="ben", roles=[INSTRUCTOR])

    counts = erase_staff_user(world.services, ida)

    assert counts == {"staff visits": 2, "console sessions": 0, "console grants": 1}
    assert list(db.session.scalars(select(StaffVisit.sub))) == ["ben"]
    assert count(ConsoleGrant) == 0
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "erase"))
    assert "ida" not in entry.subject + entry.text
    with pytest.raises(ConfigurationError, match="forgotten after a day"):
        get_staff_user(ida)
    db.session.rollback()


def test_console_says_who_was_here_as_staff(app, world: World, ida: int) -> None:
    owner = sign_in_owner(app.test_client(), world.services)

    page = owner.get("/console/learners", query_string={"search": "ida"}).text

    assert f"lti-bridge learner erase staff-{ida}" in page
    assert "Nobody was found" not in page
