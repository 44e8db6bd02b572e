"""Owners say at the console who is told of problems; secrets are shown once."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.problems.alerts.models import AlertChannel, AlertMessage, MailServer
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.console.visitors import press, sign_in_owner
from tests.mini_platform import MiniPlatform, Reply
from tests.problems.alerts.inbox import open_inbox

ALERTS = "/console/alerts"
PASSWORD = "an-smtp-password"


@pytest.fixture
def owner(app: Flask, services: Services) -> FlaskClient:
    return sign_in_owner(app.test_client(), services)


def add_email(owner: FlaskClient, recipients: str = "olga@school.example", **more: str) -> str:
    path = f"{ALERTS}/new/email"
    answer = press(owner, path, path, name="Team", recipients=recipients, **more)
    return f"{answer.status_code} {answer.text}"


def add_webhook(owner: FlaskClient, url: str, **more: str) -> TestResponse:
    path = f"{ALERTS}/new/webhook"
    return press(owner, path, path, **{"name": "Hook", "url": url, "form": "json", **more})


def set_mail(owner: FlaskClient, **changes: str) -> TestResponse:
    told = {"host": "127.0.0.1", "port": "587", "security": "starttls", "user": "bridge"}
    told |= {"password": PASSWORD, "sender": "bridge@school.example", **changes}
    return press(owner, f"{ALERTS}/mail", f"{ALERTS}/mail", **told)


def channel() -> AlertChannel:
    db.session.expire_all()
    row = db.session.scalars(select(AlertChannel)).one()
    db.session.commit()
    return row


def server() -> MailServer:
    db.session.expire_all()
    row = db.session.scalars(select(MailServer)).one()
    db.session.commit()
    return row


def entries() -> list[str]:
    return [f"{one.subject}: {one.text}" for one in db.session.scalars(select(AuditEntry))]


def test_channel_by_email_is_added_and_changed(owner: FlaskClient, clock: FakeClock) -> None:
    assert "Nobody is told yet" in owner.get(ALERTS).text

    assert add_email(
        owner, " olga@school.example\n\nolga@school.example\r\nb@x.example "
    ).startswith("303")
    assert channel().recipients == ["olga@school.example", "b@x.example"]
    one = f"{ALERTS}/1"
    press(owner, one, one, name="On duty", recipients="otto@school.example", digest="y")

    row = channel()
    assert (row.name, row.recipients, row.digest) == ("On duty", ["otto@school.example"], True)
    assert str(row.digest_at) == "2026-11-03 07:00:00+00:00"
    assert "otto@school.example" in owner.get(ALERTS).text
    assert "checked" in owner.get(one).text
    assert entries()[-2:] == [
        "alert channel 1: Team: added it, by e-mail",
        "alert channel 1: On duty: changed it",
    ]


@pytest.mark.parametrize(
    "recipients, said",
    [
        ("", "Fill this in."),
        ("olga", "is no e-mail address"),
        ("Olga <olga@school.example>", "is no e-mail address"),
        ("a@b.example, c@d.example", "is no e-mail address"),
        ("ölga@school.example", "is no e-mail address"),
        ("\n".join(f"a{n}@b.example" for n in range(21)), "At most 20"),
    ],
    ids=[
        "none",
        "no address",
        "name with an address",
        "joined by a comma",
        "not ASCII",
        "too many",
    ],
)
def test_recipients_are_addresses(owner: FlaskClient, recipients: str, said: str) -> None:
    answer = add_email(owner, recipients)

    assert answer.startswith("400")
    assert said in answer
    assert db.session.scalars(select(AlertChannel)).all() == []


def test_webhook_shows_its_secret_once(
    owner: FlaskClient, services: Services, platform: MiniPlatform
) -> None:
    url = f"{platform.url}/hook?token=s3cret-part"

    made = add_webhook(owner, url)

    row = channel()
    assert row.secret_encrypted and row.url_encrypted
    secret = services.signer.decrypt(row.secret_encrypted)
    assert services.signer.decrypt(row.url_encrypted) == url
    assert len(secret) == 64 and secret in made.text
    pages = [owner.get(path).text for path in (ALERTS, f"{ALERTS}/1", "/console/audit")]
    for text in (*pages, *entries(), made.text):
        assert "s3cret-part" not in text
    for text in (*pages, *entries()):
        assert secret not in text
    assert "127.0.0.1: Signed JSON" in pages[0]

    renewed = press(owner, f"{ALERTS}/1", f"{ALERTS}/1/secret")
    other = services.signer.decrypt(channel().secret_encrypted or "")
    assert other != secret
    assert other in renewed.text and secret not in renewed.text


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"url": ""}, "Fill this in."),
        ({"url": "hooks.example"}, "begins with https://"),
        ({"url": "file:///etc/passwd"}, "begins with https://"),
        ({"form": "xml"}, "Not a valid choice"),
        ({"name": ""}, "Fill this in."),
    ],
    ids=["no address", "no scheme", "a file", "unknown form", "no name"],
)
def test_webhook_that_cannot_be_is_not_kept(
    owner: FlaskClient, changes: dict[str, str], said: str
) -> None:
    answer = add_webhook(owner, **{"url": "https://hooks.example/1", **changes})

    assert answer.status_code == 400
    assert said in answer.text
    assert db.session.scalars(select(AlertChannel)).all() == []


def test_webhook_keeps_its_address_when_none_is_given(
    owner: FlaskClient, services: Services
) -> None:
    add_webhook(owner, "https://hooks.example/1")
    one = f"{ALERTS}/1"

    press(owner, one, one, name="Chat", url="", form="slack")

    row = channel()
    assert (row.name, row.form) == ("Chat", "slack")
    assert services.signer.decrypt(row.url_encrypted or "") == "https://hooks.example/1"
    press(owner, one, one, name="Chat", url="https://hooks.example/2", form="slack")
    assert services.signer.decrypt(channel().url_encrypted or "") == "https://hooks.example/2"


def test_test_is_sent_at_once(owner: FlaskClient, platform: MiniPlatform) -> None:
    add_webhook(owner, f"{platform.url}/hook")
    one = f"{ALERTS}/1"

    press(owner, one, f"{one}/test")
    failed = owner.get(one).text
    platform.routes[("POST", "/hook")] = Reply(204)
    press(owner, one, f"{one}/test")
    arrived = owner.get(one).text

    assert "The test did not arrive: the webhook answered 404" in failed
    assert "gave up at 2026-11-02 09:00:00 UTC: the webhook answered 404" in failed
    assert "The test was delivered." in arrived
    assert "delivered at 2026-11-02 09:00:00 UTC" in arrived
    assert [one.event for one in db.session.scalars(select(AlertMessage))] == ["test", "test"]


def test_test_by_email_arrives(owner: FlaskClient) -> None:
    add_email(owner)
    with open_inbox() as inbox:
        plain = {"port": str(inbox.port), "security": "none", "user": "", "password": ""}
        assert set_mail(owner, **plain).status_code == 303
        press(owner, f"{ALERTS}/1", f"{ALERTS}/1/test")

    assert inbox.messages[0]["To"] == "olga@school.example"
    assert "The test was delivered." in owner.get(f"{ALERTS}/1").text


def test_password_is_kept_and_never_shown(owner: FlaskClient, services: Services) -> None:
    assert set_mail(owner).status_code == 303
    assert set_mail(owner, password="", port="2525").status_code == 303

    row = server()
    assert row.port == 2525
    assert PASSWORD not in str(row.password_encrypted)
    assert services.signer.decrypt(row.password_encrypted or "") == PASSWORD
    for text in (owner.get(f"{ALERTS}/mail").text, owner.get(ALERTS).text, *entries()):
        assert PASSWORD not in text
    assert 'value="2525"' in owner.get(f"{ALERTS}/mail").text


def test_kept_password_goes_to_no_other_server(owner: FlaskClient) -> None:
    set_mail(owner)

    answer = set_mail(owner, host="elsewhere.example", password="")

    assert answer.status_code == 400
    assert "Type the password as well" in answer.text
    assert server().host == "127.0.0.1"
    assert set_mail(owner, user="", password="").status_code == 303
    assert server().password_encrypted is None


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"security": "none"}, "the password would travel in the open"),
        ({"host": "https://smtp.example"}, "name of a machine"),
        ({"port": "0"}, "This must be a port."),
        ({"port": "x"}, "Not a valid integer"),
        ({"sender": "LTI Bridge"}, "must be an e-mail address"),
        ({"sender": "a@b.example\r\nBcc: c@d.example"}, "must be an e-mail address"),
    ],
    ids=[
        "password without TLS",
        "address as host",
        "port 0",
        "port of letters",
        "sender without an address",
        "line break in the sender",
    ],
)
def test_mail_server_that_cannot_be_is_not_kept(
    owner: FlaskClient, changes: dict[str, str], said: str
) -> None:
    answer = set_mail(owner, **changes)

    assert answer.status_code == 400
    assert said in answer.text
    assert PASSWORD not in answer.text
    assert db.session.scalars(select(MailServer)).all() == []


def test_channel_is_switched_off_on_and_removed(
    owner: FlaskClient, services: Services, platform: MiniPlatform
) -> None:
    add_webhook(owner, f"{platform.url}/hook", digest="y")
    now = services.now()
    waiting = {"delivery": "d", "subject": "s", "payload": "{}", "failure": "it is away"}
    db.session.add(
        AlertMessage(
            channel_id=1, event="began", key="k", created_at=now, next_try_at=now, **waiting
        )
    )
    db.session.commit()
    one = f"{ALERTS}/1"
    assert "failing since 2026-11-02 09:00:00 UTC: it is away" in owner.get(one).text

    press(owner, one, f"{one}/off")
    assert channel().disabled_at == now
    assert "switched off since" in owner.get(ALERTS).text
    press(owner, one, f"{one}/on")
    assert channel().disabled_at is None
    assert "gave up at 2026-11-02 09:00:00 UTC: it was switched off" in owner.get(one).text
    press(owner, one, f"{one}/remove")

    assert db.session.scalars(select(AlertChannel)).all() == []
    assert db.session.scalars(select(AlertMessage)).all() == []
    assert owner.get(one).status_code == 404
    done = [re.sub(r".*: ", "", text) for text in entries()]
    assert done[-4:] == ["added it, a webhook", "switched it off", "switched it on", "removed it"]


def test_lost_key_shows_pages_all_the_same(owner: FlaskClient, services: Services) -> None:
    add_webhook(owner, "https://hooks.example/1")
    row = channel()
    row.url_encrypted = "not ours"
    db.session.commit()

    press(owner, f"{ALERTS}/1", f"{ALERTS}/1/test")

    assert "an address that cannot be read" in owner.get(ALERTS).text
    assert "encrypted under another secret_key" in owner.get(f"{ALERTS}/1").text
