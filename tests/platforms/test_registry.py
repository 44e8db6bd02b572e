"""Platforms and deployments are found, added, updated and disabled."""

import dataclasses
import uuid

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError, LaunchRejected
from lti_bridge.platforms import deployments, registry
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.identity import deployment_identity, platform_identity
from lti_bridge.platforms.models import Deployment, Platform

FACTS = PlatformFacts(
    name="School",
    issuer="https://lms.example",
    client_id="client-1",
    authorization_url="https://lms.example/auth",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
    dialect="moodle",
)


def facts(**changes: object) -> PlatformFacts:
    return dataclasses.replace(FACTS, **changes)


def add(services, deployment_id: str = "1", **changes: object) -> Platform:
    return registry.add_platform(facts(**changes), deployment_id, now=services.now())


def listed() -> list[tuple[str, str]]:
    rows = db.session.scalars(select(Deployment).order_by(Deployment.id))
    return [(row.deployment_id, row.status) for row in rows]


def rejection(issuer: str, client_id: str | None) -> str:
    with pytest.raises(LaunchRejected) as caught:
        registry.find_platform(issuer, client_id)
    return caught.value.reason


def test_adds_platform_with_its_identities(services):
    row = add(services)

    assert row.identity == platform_identity("https://lms.example", "client-1")
    assert row.deployments[0].identity == deployment_identity(row.identity, "1")
    assert (row.privacy, row.created_at) == ("named", services.now())


def test_repeat_updates_and_adds_deployment(services):
    first = add(services)

    second = add(services, "2", token_url="https://lms.example/token2", name="The school")

    assert second.id == first.id
    assert (second.token_url, second.name) == ("https://lms.example/token2", "The school")
    assert listed() == [("1", "active"), ("2", "active")]


def test_repeat_keeps_what_it_does_not_name(services):
    add(services, audience="https://sso.lms.example", privacy="pseudonymous")

    again = add(services)

    assert (again.audience, again.privacy) == ("https://sso.lms.example", "pseudonymous")


def test_repeat_enables_disabled_platform(services):
    add(services)
    registry.disable_platform("School", now=services.now())

    add(services)

    assert registry.find_platform("https://lms.example", "client-1").client_id == "client-1"


def test_declared_identity_is_kept(services):
    identity = str(uuid.uuid4())

    row = add(services, identity=identity)

    assert row.identity == identity
    assert row.deployments[0].identity == deployment_identity(identity, "1")


def test_declared_deployment_identity_is_kept(services):
    """What `platform show` printed of a successor brings its registrations back, without rows."""
    identity = str(uuid.uuid4())

    row = add(services, deployment_identity=identity)

    assert row.deployments[0].identity == identity
    with pytest.raises(ConfigurationError, match="already has the identity"):
        add(services, deployment_identity=str(uuid.uuid4()))
    with pytest.raises(ConfigurationError, match="--deployment-identity must be the UUID"):
        add(services, deployment_identity="1")


def test_identity_is_set_once(services):
    add(services)

    with pytest.raises(ConfigurationError, match="it is set once"):
        add(services, identity=str(uuid.uuid4()))


def test_token_url_and_client_belong_to_one(services):
    add(services)

    with pytest.raises(ConfigurationError, match="same token URL and client id"):
        add(services, issuer="https://other.example")

    assert len(registry.list_platforms()) == 1


def test_same_identity_twice_is_refused(services):
    row = add(services)

    with pytest.raises(ConfigurationError, match="or the same identity"):
        add(services, issuer="https://other.example", client_id="c2", identity=row.identity)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"issuer": "lms.example"}, "--issuer must be an http"),
        ({"token_url": "ftp://lms.example"}, "--token-url must be an http"),
        ({"jwks_url": "http://[lms"}, "--jwks-url must be an http"),
        ({"authorization_url": "https://lms.example/" + "a" * 500}, "--auth-url must be"),
        ({"client_id": ""}, "must not be empty"),
        ({"client_id": "c" * 256}, "ids have at most 255"),
        ({"dialect": "blackboard"}, "--dialect must be one of canvas, moodle, generic"),
        ({"identity": "mine"}, "--identity must be the UUID"),
        ({"account": "east"}, "there is no SCORM Cloud account east"),
    ],
    ids=[
        "issuer without a scheme",
        "FTP as token address",
        "broken key set address",
        "long authorization address",
        "no client id",
        "long client id",
        "unknown LMS",
        "identity is no UUID",
        "unknown account",
    ],
)
def test_wrong_fact_gets_a_sentence(services, changes, sentence):
    with pytest.raises(ConfigurationError) as caught:
        add(services, **changes)

    assert sentence in str(caught.value)


def test_finds_platform_without_client_id(services):
    add(services)

    found = registry.find_platform("https://lms.example", None)

    assert (found.token_url, found.dialect) == ("https://lms.example/token", "moodle")


def test_issuer_alone_may_be_ambiguous(services):
    add(services)
    add(services, client_id="client-2")

    assert rejection("https://lms.example", None) == "ambiguous_platform"
    assert registry.find_platform("https://lms.example", "client-2").client_id == "client-2"


def test_unknown_issuer_is_rejected(services):
    add(services)

    assert rejection("https://lms.example/", "client-1") == "unknown_platform"


def test_disabled_platform_is_rejected(services):
    row = add(services)
    registry.disable_platform(str(row.id), now=services.now())

    assert rejection("https://lms.example", "client-1") == "platform_disabled"
    with pytest.raises(LaunchRejected, match="platform_disabled"):
        registry.get_platform(row.id)


def test_finding_leaves_no_transaction_open(services):
    add(services)

    registry.find_platform("https://lms.example", None)

    assert not db.session().in_transaction()


def get_deployment(services, row: Platform, deployment_id: str, at_most: int = 20) -> Deployment:
    return deployments.get_deployment(
        row.id, deployment_id, now=services.now(), pending_at_most=at_most
    )


def test_active_deployment_is_found(services):
    row = add(services)

    assert get_deployment(services, row, "1").identity == row.deployments[0].identity


def test_unknown_deployment_waits_for_approval(services):
    row = add(services)

    for _ in range(2):
        with pytest.raises(LaunchRejected, match="unknown_deployment"):
            get_deployment(services, row, "new")

    assert listed() == [("1", "active"), ("new", "pending")]


def test_pending_deployments_are_capped(services):
    row = add(services)

    for deployment_id in ("a", "b", "c"):
        with pytest.raises(LaunchRejected):
            get_deployment(services, row, deployment_id, at_most=2)

    assert listed() == [("1", "active"), ("a", "pending"), ("b", "pending")]


def test_approved_deployment_launches(services):
    row = add(services)
    with pytest.raises(LaunchRejected):
        get_deployment(services, row, "new")

    deployments.approve_deployment(row, "new")

    assert get_deployment(services, row, "new").status == "active"


def test_only_seen_deployment_is_approved(services):
    row = add(services)

    with pytest.raises(ConfigurationError, match="has no deployment other"):
        deployments.approve_deployment(row, "other")


@pytest.mark.parametrize("name", ["School", "client-1", "https://lms.example", "1"])
def test_platform_has_many_names(services, name):
    row = add(services)

    assert registry.find_named_platform(name).id == row.id


def test_name_must_fit_one_platform(services):
    add(services)
    add(services, client_id="client-2")

    with pytest.raises(ConfigurationError, match="School fits 2 platforms: use the number"):
        registry.find_named_platform("School")
    with pytest.raises(ConfigurationError, match="there is no platform Hogwarts"):
        registry.find_named_platform("Hogwarts")
