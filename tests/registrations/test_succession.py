"""A tool installed anew keeps every registration, once an operator says what it follows."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.models import Platform
from lti_bridge.platforms.registry import add_platform
from lti_bridge.registrations.models import Grade, Learner, Registration
from lti_bridge.registrations.succession import (
    plan_deployment,
    plan_platform,
    succeed_deployment,
    succeed_platform,
)
from tests.world import World, code, count


def facts_of(row: Platform) -> PlatformFacts:
    return PlatformFacts(
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        authorization_url=row.authorization_url,
        token_url=row.token_url,
        jwks_url=row.jwks_url,
        dialect=row.dialect,
    )


def the_platform() -> Platform:
    return db.session.scalars(select(Platform).order_by(Platform.id)).first()


def add_deployment(world: World, deployment_id: str) -> Platform:
    return add_platform(facts_of(the_platform()), deployment_id, now=world.services.now())


def test_deployment_keeps_the_registrations_of_the_one_it_follows(world: World) -> None:
    world.launch()
    row = add_deployment(world, "2")

    plan = plan_deployment(row, "2", "1")
    succeed_deployment(plan)
    again = world.launch(deployment_id="2")

    assert (plan.links, plan.learners, plan.names) == (1, 1, ["Alice Learner"])
    assert again.status_code == 303
    assert count(Registration) == 1
    assert len(world.cloud.posts()) == 1


def test_without_succession_a_new_deployment_has_new_registrations(world: World) -> None:
    world.launch()
    add_deployment(world, "2")

    world.launch(deployment_id="2")

    assert count(Registration) == 2


def test_plan_counts_what_is_left_behind(world: World) -> None:
    world.launch()
    row = add_deployment(world, "2")
    world.launch(deployment_id="2")

    assert plan_deployment(row, "2", "1").left_behind == 1
    db.session.rollback()


def new_client(world: World) -> tuple[Platform, Platform]:
    """Add the same LMS under a new client id; returns (new, old)."""
    old = the_platform()
    facts = replace(facts_of(old), client_id="client-2")
    new = add_platform(facts, "1", now=world.services.now())
    return new, old


def launch_as(world: World, client_id: str) -> object:
    sent = world.login(client_id=client_id)
    claims = world.platform.claims(world.services.now(), sent["nonce"], aud=client_id)
    form = {"state": sent["state"], "id_token": world.platform.sign(claims)}
    return world.browser.post("/lti/launch", data=form)


def test_platform_with_a_new_client_keeps_every_registration(world: World) -> None:
    world.launch()
    new, old = new_client(world)

    plan = plan_platform(new, old)
    succeed_platform(world.services, plan, new, old)
    again = launch_as(world, "client-2")

    assert plan.learners == 1
    assert again.status_code == 303
    assert count(Registration) == count(Learner) == 1
    assert len(world.cloud.posts()) == 1
    assert db.session.scalars(select(Learner.platform_id)).one() == new.id
    assert db.session.scalars(select(Grade.platform_id)).one() == new.id
    db.session.commit()


def test_followed_platform_launches_no_more(world: World) -> None:
    new, old = new_client(world)
    succeed_platform(world.services, plan_platform(new, old), new, old)

    refused = world.browser.post("/lti/login", data=world.login_form())

    assert code(refused) == "platform_disabled"


def test_nothing_follows_itself(world: World) -> None:
    row = the_platform()

    with pytest.raises(ConfigurationError):
        plan_deployment(row, "1", "1")
    with pytest.raises(ConfigurationError):
        plan_platform(row, row)
    db.session.rollback()


def test_unknown_deployment_is_named(world: World) -> None:
    with pytest.raises(ConfigurationError, match="no deployment 9"):
        plan_deployment(the_platform(), "1", "9")
    db.session.rollback()
