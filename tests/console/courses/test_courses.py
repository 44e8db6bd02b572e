"""Courses at the console: who sees which, where they are used, upload, new version, preview."""

import io
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_bridge.audit.models import AuditEntry
from lti_bridge.console.courses import views as course_views
from lti_bridge.core.db import db
from lti_bridge.platforms.accounts import find_account, save_account
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import ResourceLink
from tests.console.visitors import csrf_token, press, sign_in_admin, sign_in_owner
from tests.practice_cloud import Answer, package
from tests.world import World, connect_another

COURSES = "/console/courses"
JSON = {"Accept": "application/json"}


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def number(name: str = "default") -> int:
    row = find_account(name)
    assert row is not None
    found = row.id
    db.session.commit()
    return found


def send(
    browser: FlaskClient,
    *,
    file: tuple[Any, str] | None = None,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> TestResponse:
    """Send a package as the form does."""
    path = f"{COURSES}/{number()}/upload"
    data: dict[str, Any] = {"csrf_token": csrf_token(browser.get(path)), **fields}
    data["package"] = file or (package("Swim"), "Swim.zip")
    return browser.post(path, data=data, headers=headers or {})


def wait_for_import(browser: FlaskClient, address: str) -> TestResponse:
    for _ in range(500):
        page = browser.get(address)
        if "Importing the package" not in page.text:
            return page
        time.sleep(0.01)
    raise AssertionError("the import does not end")


def entries() -> list[tuple[str, str, str]]:
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    found = [(row.actor, row.subject, row.text) for row in rows if row.action == "upload"]
    db.session.commit()
    return found


def test_courses_are_listed_with_their_use(world: World, owner: FlaskClient) -> None:
    world.cloud.add_course("tennis")
    world.launch()

    page = owner.get(COURSES)

    assert page.status_code == 200
    assert "SCORM 1.2" in page.text
    (golf,) = [row for row in page.text.split("<tr>") if ">golf</code>" in row]
    (tennis,) = [row for row in page.text.split("<tr>") if ">tennis</code>" in row]
    cells = [line.strip() for line in golf.splitlines() if "<td>" in line]
    assert cells[:4] == ["<td>SCORM 1.2</td>", "<td>1</td>", "<td>1</td>", "<td>1</td>"]
    assert "<td>–</td>" in tennis


def test_search_finds_by_title_or_id(world: World, owner: FlaskClient) -> None:
    world.cloud.add_course("tennis")

    found = owner.get(COURSES, query_string={"search": "tenn"}).text

    assert "tennis" in found
    assert ">golf</code>" not in found
    assert "No course has “chess”" in owner.get(COURSES, query_string={"search": "chess"}).text


def test_course_tells_where_it_is_used(world: World, owner: FlaskClient) -> None:
    world.launch(resource_link={"id": "1", "title": "Golf for all"})
    world.launch(resource_link={"id": "2", "title": "Another golf"})
    other = db.session.scalars(select(ResourceLink).where(ResourceLink.title == "Another golf"))
    other.one().override_course = "tennis"
    db.session.commit()

    page = owner.get(f"{COURSES}/{number()}/one", query_string={"course_id": "golf"}).text

    assert "Golf for all" in page
    assert "Another golf" not in page, "it opens another course"
    gone = owner.get(f"{COURSES}/{number()}/one", query_string={"course_id": "tennis"}).text
    assert "SCORM Cloud has no course with this id" in gone
    assert "Another golf" in gone
    nothing = owner.get(f"{COURSES}/{number()}/one", query_string={"course_id": "chess"})
    assert nothing.status_code == 404


def test_uploaded_package_becomes_a_course(world: World, owner: FlaskClient) -> None:
    sent = send(owner, course_id="swim-1")

    assert sent.status_code == 303
    ready = wait_for_import(owner, sent.location)
    assert "The course is ready" in ready.text
    assert world.cloud.client.get_course("swim-1").title == "Swim"
    said = "uploaded a package to the account default as swim-1"
    assert entries() == [("owner olga", "course swim-1", said)]


def test_script_gets_the_next_address(world: World, owner: FlaskClient) -> None:
    sent = send(owner, headers=JSON)

    ready = wait_for_import(owner, sent.json["address"])

    assert "The course is ready" in ready.text
    assert world.cloud.client.get_course("swim").title == "Swim"


def test_new_version_is_asked_for(world: World, owner: FlaskClient) -> None:
    asked = send(owner, course_id="golf")
    scripted = send(owner, course_id="golf", headers=JSON)

    assert asked.status_code == scripted.status_code == 409
    assert "This id is taken" in asked.text
    assert (scripted.json["version"], scripted.json["suggestion"]) == (1, "golf-2")
    assert world.cloud.client.get_course("golf").version == 0
    assert entries() == []

    sent = send(owner, course_id="golf", new_version_of="golf")

    assert "version 2" in wait_for_import(owner, sent.location).text
    assert entries()[0][2].endswith("as a new version of golf")


@pytest.mark.parametrize(
    "decided", [None, True, False], ids=["not decided", "allowed", "forbidden"]
)
def test_admin_of_a_shared_account_may_not_replace(world: World, decided: bool | None) -> None:
    """Owners always may; an admin of one LMS only if an owner says so."""
    connect_another(world)
    admin = sign_in_admin(world)
    db.session.execute(update(Platform).values(replaces_courses=decided))
    db.session.commit()

    sent = send(admin, course_id="golf", new_version_of="golf", headers=JSON)

    assert sent.status_code == (200 if decided else 409)
    assert decided or sent.json["may_replace"] is False
    if decided:
        wait_for_import(admin, sent.json["address"])
    assert world.cloud.client.get_course("golf").version == (1 if decided else 0)


def test_id_is_checked_before_the_file_travels(world: World, owner: FlaskClient) -> None:
    path = f"{COURSES}/{number()}"

    taken = press(owner, f"{path}/upload", f"{path}/check", course_id="golf")
    free = press(owner, f"{path}/upload", f"{path}/check", course_id="golf-2")
    odd = press(owner, f"{path}/upload", f"{path}/check", course_id="a b")

    assert (taken.json["id"], free.json) == ("golf", {})
    assert "A course id has 1 to 100 letters" in odd.json["error"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ((io.BytesIO(b"no zip"), "x.zip"), "not a zip that can be read"),
        ((io.BytesIO(b""), ""), "Choose the zip file of a course first"),
    ],
    ids=["no zip", "no file"],
)
def test_file_that_is_no_package_is_refused(
    world: World, owner: FlaskClient, file: tuple[io.BytesIO, str], said: str
) -> None:
    file = (io.BytesIO(file[0].getvalue()), file[1])

    sent = send(owner, file=file)

    assert sent.status_code == 400
    assert said in sent.text
    assert entries() == []


def test_file_that_is_too_large_is_refused(
    world: World, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_views, "MEGABYTE", 1)
    monkeypatch.setattr(course_views, "FORM_BYTES", 100)

    sent = send(owner)

    assert sent.status_code == 413
    assert "This is too large" in sent.text


def test_import_that_fails_says_why(world: World, owner: FlaskClient) -> None:
    address = send(owner).location

    def disturb(method: str, path: str, carry_on: Any) -> None:
        raise Answer("200 OK", {"status": "ERROR", "message": "<i>bad</i> organization"})

    world.cloud.disturb = disturb
    page = owner.get(address)

    assert "The package could not be imported" in page.text
    assert "&lt;i&gt;bad&lt;/i&gt; organization" in page.text


def test_preview_opens_the_untracked_player(world: World, owner: FlaskClient) -> None:
    path = f"{COURSES}/{number()}"

    opened = press(owner, f"{path}/upload", f"{path}/preview", course_id="golf")
    missing = press(owner, f"{path}/upload", f"{path}/preview", course_id="chess")

    assert opened.status_code == 303
    assert opened.location.startswith(world.cloud.server.url)
    assert missing.status_code == 404


def test_admin_sees_the_account_of_their_platform_alone(world: World, owner: FlaskClient) -> None:
    save_account(
        "second",
        world.cloud.base_url,
        "practice",
        "practice",
        world.services.signer,
        now=world.services.now(),
    )
    admin = sign_in_admin(world)

    assert "second" in owner.get(COURSES).text
    assert "second" not in admin.get(COURSES).text
    assert admin.get(f"{COURSES}/{number('second')}/upload").status_code == 404
    query = {"account": str(number("second"))}
    assert admin.get(COURSES, query_string=query).status_code == 404

    db.session.scalars(select(Platform)).one().scorm_account_id = number("second")
    db.session.commit()

    assert admin.get(f"{COURSES}/{number('second')}/upload").status_code == 200
    assert admin.get(f"{COURSES}/{number()}/upload").status_code == 404


def test_console_without_an_account_says_so(world: World, owner: FlaskClient) -> None:
    db.session.execute(db.text("DELETE FROM scorm_account"))
    db.session.commit()

    assert "has no SCORM Cloud account yet" in owner.get(COURSES).text


def test_silent_scorm_cloud_is_said(world: World, owner: FlaskClient) -> None:
    world.cloud.stop()

    page = owner.get(COURSES)

    assert page.status_code == 503
    assert "Try again in a minute" in page.text
