"""SCORM Cloud accounts and signing keys at the console."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.platforms.accounts import find_account, save_account
from lti_bridge.platforms.models import ScormAccount, ToolKey
from tests.console.visitors import press, sign_in_owner
from tests.world import World

ACCOUNTS, KEYS = "/console/accounts", "/console/keys"


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def add(owner: FlaskClient, world: World, **changes: str) -> str:
    told = {"name": "second", "base_url": world.cloud.base_url, "app_id": "practice"}
    told |= {"secret_key": "practice", **changes}
    answer = press(owner, f"{ACCOUNTS}/new", f"{ACCOUNTS}/new", **told)
    return f"{answer.status_code} {answer.text}"


def names() -> list[str]:
    found = list(db.session.scalars(select(ScormAccount.name).order_by(ScormAccount.id)))
    db.session.commit()
    return found


def test_account_is_added_when_its_keys_work(world: World, owner: FlaskClient) -> None:
    assert add(owner, world).startswith("303")

    assert names() == ["default", "second"]
    account = find_account("second")
    assert account is not None
    assert world.services.signer.decrypt(account.secret_encrypted) == "practice"
    assert "practice" in owner.get(f"{ACCOUNTS}/{account.id}").text, "the app id"


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"secret_key": "wrong"}, "Copy the app id and the secret key"),
        ({"base_url": "http://127.0.0.1:9/api/v2"}, "could not be asked"),
        ({"base_url": "cloud.scorm.com"}, "must be an address"),
        ({"secret_key": ""}, "Fill this in."),
        ({"name": "default"}, "is the one in the settings"),
        ({"name": "former default 1"}, "the bridge&#39;s own"),
    ],
    ids=[
        "wrong secret",
        "unreachable host",
        "address without a scheme",
        "no secret",
        "name of the default",
        "name of the former default",
    ],
)
def test_account_that_does_not_work_is_not_kept(
    world: World, owner: FlaskClient, changes: dict[str, str], said: str
) -> None:
    answer = add(owner, world, **changes)

    assert answer.startswith("400")
    assert said in answer
    assert changes.get("secret_key") != "wrong" or 'value="wrong"' not in answer
    assert names() == ["default"]


def test_secret_is_changed_and_never_shown(world: World, owner: FlaskClient) -> None:
    add(owner, world)
    account = find_account("second")
    assert account is not None
    account.secret_encrypted = world.services.signer.encrypt("outdated")
    db.session.commit()
    one = f"{ACCOUNTS}/{account.id}"

    wrong = press(owner, one, one, base_url=world.cloud.base_url, secret_key="hidden-wrong")
    right = press(owner, one, one, base_url=world.cloud.base_url, secret_key="practice")

    assert (wrong.status_code, right.status_code) == (400, 303)
    assert "hidden-wrong" not in wrong.text
    db.session.expire_all()
    assert world.services.signer.decrypt(account.secret_encrypted) == "practice"
    assert not any("hidden-wrong" in e.text for e in db.session.scalars(select(AuditEntry)))


def test_unused_account_can_go_a_used_one_stays(world: World, owner: FlaskClient) -> None:
    save_account(
        "unused",
        world.cloud.base_url,
        "practice",
        "practice",
        world.services.signer,
        now=world.services.now(),
    )
    world.launch()
    unused = find_account("unused")
    assert unused is not None

    assert press(owner, ACCOUNTS, f"{ACCOUNTS}/{unused.id}/remove").status_code == 303
    refused = press(owner, ACCOUNTS, f"{ACCOUNTS}/1/remove")

    assert refused.status_code == 400
    assert "learners have registrations in it" in refused.text.lower()
    assert names() == ["default"]


def test_account_of_a_platform_stays(world: World, owner: FlaskClient) -> None:
    add(owner, world)
    account = find_account("second")
    assert account is not None
    number = account.id
    db.session.commit()
    edit = "/console/platforms/1/edit"
    told = {"name": "School", "dialect": "moodle", "issuer": world.platform.url}
    told |= {"client_id": "client-1", "authorization_url": f"{world.platform.url}/auth"}
    told |= {"token_url": f"{world.platform.url}/token", "jwks_url": f"{world.platform.url}/jwks"}
    told |= {"account": "second", "privacy": "named", "player": "frame"}
    told["new_versions"] = "unshared"
    assert press(owner, edit, edit, **told).status_code == 303

    refused = press(owner, ACCOUNTS, f"{ACCOUNTS}/{number}/remove")

    assert refused.status_code == 400
    assert "School opens its courses in it" in refused.text


def test_keys_rotate_and_are_listed(world: World, owner: FlaskClient) -> None:
    press(owner, KEYS, f"{KEYS}/rotate")

    page = owner.get(KEYS).text
    states = list(db.session.scalars(select(ToolKey.state).order_by(ToolKey.id)))

    assert states == ["signing", "next"]
    assert all(kid in page for kid in db.session.scalars(select(ToolKey.kid)))


def test_leaked_keys_are_replaced_after_a_question(world: World, owner: FlaskClient) -> None:
    assert "Replace every key at once?" in owner.get(f"{KEYS}/leaked").text
    assert list(db.session.scalars(select(ToolKey.state))) == ["signing"]
    db.session.commit()

    press(owner, f"{KEYS}/leaked", f"{KEYS}/leaked")

    db.session.expire_all()
    states = list(db.session.scalars(select(ToolKey.state).order_by(ToolKey.id)))
    assert states == ["retired", "signing"]
