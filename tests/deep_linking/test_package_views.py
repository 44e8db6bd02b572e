"""A package goes up: from the form, or by script, to a course that can be picked."""

import gc
import io
import os
import re
import time
from pathlib import Path
from typing import Any

import flask
import pytest
import requests
from sqlalchemy import event, select, update

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.deep_linking import package_views
from lti_bridge.lti.roles import Visitor
from lti_bridge.platforms.accounts import save_account
from lti_bridge.platforms.models import Platform
from lti_bridge.web.page_tokens import PageToken, sign_page
from tests.courses.test_large_packages import peak_megabytes, write_large_package
from tests.deep_linking.picking import DL, PICK, answer, deep_link, pick, token_of
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LEARNER
from tests.practice_cloud import Answer, LoseAnswer, PracticeCloud, package
from tests.world import World, code, connect_another

ASSISTANT = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
JSON = {"Accept": "application/json"}


def upload_form(world: World, roles: Any = (INSTRUCTOR,)) -> tuple[str, str]:
    """Return the address and the page's token of an upload form."""
    page = pick(world, "/package", token_of(deep_link(world, roles=roles)))
    assert page.status_code == 200, page.text
    form = read_page(page.text, PICK).forms[0]
    assert form.method == "POST"
    return form.action, form.fields["page"]


def send(
    world: World,
    *,
    file: tuple[Any, str] | None = None,
    form: tuple[str, str] | None = None,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Any:
    """Send a package as the form does."""
    action, token = form or upload_form(world)
    data: dict[str, Any] = {"page": token, **fields}
    data["package"] = file or (package("Swim"), "Swim.zip")
    return world.follow(world.browser.post(action, data=data, headers=headers or {}))


def wait_for_import(world: World, token: str) -> Any:
    """Ask as the page's script does, then load the page that it loads."""
    for _ in range(500):
        status = pick(world, "/package/import/status", token).json["status"]
        if status != "RUNNING":
            return pick(world, "/package/import", token)
        time.sleep(0.01)
    raise AssertionError("the import does not end")


def test_uploaded_package_can_be_picked(world):
    sent = send(world)

    assert sent.status_code == 200
    ready = wait_for_import(world, token_of(sent))
    assert "The course is ready" in ready.text
    confirm = pick(world, "/choose", token_of(ready), course="swim")
    claims = answer(world, pick(world, "/add", token_of(confirm)))
    (item,) = claims[f"{DL}content_items"]
    assert (item["title"], item["custom"]) == ("Swim", {"scorm_course_id": "swim"})


def test_audit_log_names_who_uploaded_what(world):
    wait_for_import(world, token_of(send(world)))
    send(world, course_id="swim")  # it is there already: they are asked
    send(world, course_id="swim", new_version_of="swim")

    entries = list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    said = "uploaded a package to the account default"
    assert [one.text for one in entries] == [f"{said} as swim", f"{said} as a new version of swim"]
    assert {(one.action, one.subject) for one in entries} == {("upload", "course swim")}
    assert all(one.actor.startswith("instructor ") and one.platform_id == 1 for one in entries)
    db.session.commit()


@pytest.mark.deep("packs and sends 300 MB")
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads memory in /proc")
# Werkzeug's test client leaves the temporary file of its own request to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_large_package_costs_no_memory(world, tmp_path):
    form = upload_form(world)
    path = write_large_package(tmp_path / "large.zip")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = peak_megabytes(os.getpid())

    with path.open("rb") as file:
        status = send(world, file=(file, "large.zip"), form=form, headers=JSON).status_code
    cost = peak_megabytes(os.getpid()) - before
    gc.collect()

    print(f"bridge and practice server: {cost:.0f} MB")
    assert status == 200
    assert cost < 60


def test_script_gets_the_next_page_s_token(world):
    sent = send(world, headers=JSON, course_id="Swim_1")

    assert sent.status_code == 200
    ready = wait_for_import(world, sent.json["page"])
    assert "<code>Swim_1</code>" in ready.text


def test_running_import_says_so_without_scripts(world):
    token = send(world, headers=JSON).json["page"]

    def disturb(method: str, path: str, carry_on: Any) -> None:
        raise Answer("200 OK", {"status": "RUNNING"})

    world.cloud.disturb = disturb
    page = pick(world, "/package/import", token)

    assert "makes the course <code>swim</code>" in page.text
    assert "Look again" in page.text
    assert pick(world, "/package/import/status", token).json == {"status": "RUNNING"}


def test_warnings_of_the_import_are_shown(world):
    token = send(world, headers=JSON).json["page"]
    wait_for_import(world, token)

    def disturb(method: str, path: str, carry_on: Any) -> None:
        course = {"id": "swim", "title": "Swim"}
        result = {"parserWarnings": ["<b>odd</b> manifest"], "course": course}
        raise Answer("200 OK", {"status": "COMPLETE", "importResult": result})

    world.cloud.disturb = disturb
    ready = pick(world, "/package/import", token)

    assert "<li>&lt;b&gt;odd&lt;/b&gt; manifest</li>" in ready.text


@pytest.mark.parametrize(
    "message, shown",
    [("<i>bad</i> organization", "&lt;i&gt;bad&lt;/i&gt; organization"), ("", "nothing about")],
    ids=["with a reason", "without a reason"],
)
def test_failed_import_says_why(world, message, shown):
    token = send(world, headers=JSON).json["page"]
    wait_for_import(world, token)

    def disturb(method: str, path: str, carry_on: Any) -> None:
        raise Answer("200 OK", {"status": "ERROR", "message": message})

    world.cloud.disturb = disturb
    failed = pick(world, "/package/import", token)

    assert "could not be imported" in failed.text
    assert shown in failed.text
    assert 'value="swim"' not in failed.text


# Never a new version by accident


def test_existing_course_is_asked_about(world):
    world.cloud.asked.clear()

    sent = send(world, course_id="golf")

    assert sent.status_code == 409
    assert "This id is taken" in sent.text
    assert "<code data-suggestion>golf-2</code>" in sent.text
    assert "POST upload" not in world.cloud.asked
    assert world.cloud.client.get_course("golf").version == 0


def test_script_is_asked_about_an_existing_course(world):
    sent = send(world, course_id="golf", headers=JSON)

    assert sent.status_code == 409
    assert {name: value for name, value in sent.json.items() if name != "fresh"} == {
        "exists": True,
        "id": "golf",
        "title": "Golf",
        "version": 1,
        "suggestion": "golf-2",
        "may_replace": True,
    }


def test_answered_question_makes_a_new_version(world):
    sent = send(world, course_id="golf", new_version_of="golf", headers=JSON)

    ready = wait_for_import(world, sent.json["page"])
    assert "version 2" in ready.text
    assert world.cloud.client.get_course("golf").version == 1


@pytest.mark.parametrize(
    "decided, allowed",
    [(None, False), (True, True), (False, False)],
    ids=["by itself", "yes", "no"],
)
def test_shared_course_is_replaced_by_whom_an_owner_allows(world, decided, allowed):
    connect_another(world)
    db.session.execute(update(Platform).values(replaces_courses=decided))
    db.session.expire_all()
    db.session.commit()

    asked = send(world, course_id="golf", headers=JSON)
    page = send(world, course_id="golf")
    sent = send(world, course_id="golf", new_version_of="golf", headers=JSON)

    assert asked.json["may_replace"] is allowed
    assert ("Other LMSs use the same" in page.text) is True
    shown = re.search(r"<p data-shared( hidden)?>", page.text)
    assert (shown[1] is None) is not allowed
    assert sent.status_code == (200 if allowed else 409)
    if allowed:
        wait_for_import(world, sent.json["page"])
    assert world.cloud.client.get_course("golf").version == (1 if allowed else 0)


def test_owner_forbids_new_versions_in_an_account_of_one_s_own(world):
    db.session.execute(update(Platform).values(replaces_courses=False))
    db.session.expire_all()
    db.session.commit()

    sent = send(world, course_id="golf", new_version_of="golf", headers=JSON)

    assert sent.status_code == 409
    assert world.cloud.client.get_course("golf").version == 0


def test_new_course_in_a_shared_account_replaces_none(world):
    connect_another(world)

    sent = send(world, course_id="swim", headers=JSON)

    assert "version 1" in wait_for_import(world, sent.json["page"]).text


def test_answer_about_another_course_is_none(world):
    sent = send(world, course_id="golf", new_version_of="swim", headers=JSON)

    assert sent.status_code == 409
    assert world.cloud.client.get_course("golf").version == 0


def test_course_that_appears_meanwhile_is_asked_about(world):
    def disturb(method: str, path: str, carry_on: Any) -> None:
        if path.endswith("/upload"):
            world.cloud.disturb = lambda *_: None
            world.cloud.add_course("swim")

    world.cloud.disturb = disturb
    sent = send(world, course_id="swim", headers=JSON)

    assert sent.status_code == 409
    assert sent.json["suggestion"] == "swim-2"
    assert world.cloud.client.get_course("swim").version == 0


def test_script_asks_before_a_large_file_travels(world):
    _, token = upload_form(world)

    taken = pick(world, "/package/check", token, course_id="golf")
    free = pick(world, "/package/check", token, course_id="swim")
    odd = pick(world, "/package/check", token, course_id="a b")

    assert taken.json["exists"] and taken.json["title"] == "Golf"
    assert set(free.json) == {"fresh"}
    assert odd.status_code == 400 and "letters from A to Z" in odd.json["error"]


# What cannot be taken


@pytest.mark.parametrize(
    "file, fields, says",
    [
        ((io.BytesIO(b"%PDF"), "golf.pdf"), {}, "not a zip that can be read"),
        ((io.BytesIO(b"PK\5\6" + b"\0" * 18), "x.zip"), {}, "no imsmanifest.xml"),
        ((io.BytesIO(b""), ""), {}, "Choose the zip file"),
        (None, {"course_id": "a/b"}, "letters from A to Z"),
    ],
    ids=["not a zip", "no manifest", "no file", "odd id"],
)
@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_wrong_upload_says_what_to_do(world, file, fields, says, headers):
    if file is not None:
        file = (io.BytesIO(file[0].getvalue()), file[1])

    sent = send(world, file=file, headers=headers, **fields)

    assert sent.status_code == 400
    assert says in (sent.json["error"] if headers else sent.text)


@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_too_large_a_file_is_refused(world, monkeypatch, headers):
    monkeypatch.setattr(package_views, "MEGABYTE", 1)
    monkeypatch.setattr(package_views, "FORM_BYTES", 100)

    sent = send(world, headers=headers)

    assert sent.status_code == 400
    assert "package is too large" in (sent.json["error"] if headers else sent.text)
    assert "POST upload" not in world.cloud.asked


def test_large_file_passes_on_this_route_only(world):
    action, token = upload_form(world)
    large = package("Swim", filler_bytes=3 * 1024 * 1024)
    prepared = requests.Request(
        "POST", action, data={"page": token}, files={"package": ("swim.zip", large)}
    ).prepare()
    kind = prepared.headers["Content-Type"]

    sent = world.browser.post(
        action, data=prepared.body, content_type=kind, headers={"Accept": "application/json"}
    )
    other = world.browser.post("/lti/pick", data={"page": "x" * 2 * 1024 * 1024})

    assert sent.status_code == 200
    assert other.status_code == 413


def test_full_disk_is_told(world, monkeypatch):
    form = upload_form(world)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flask.Request, "_get_file_stream", full)
    sent = send(world, form=form, headers=JSON)

    assert "no room for this package" in sent.json["error"]


@pytest.mark.parametrize(
    "status, body, says",
    [
        ("400 Bad Request", {"error": "Quota <b>used</b>"}, "It says: “Quota <b>used</b>”"),
        ("403 Forbidden", {}, "does not let this bridge upload"),
        ("413 Too Large", {}, "takes no package of this size"),
        ("503 Down", {}, "did not answer, so the package may have arrived"),
    ],
    ids=["quota", "permission", "size", "down"],
)
def test_refusal_of_scorm_cloud_is_readable(world, status, body, says):
    def disturb(method: str, path: str, carry_on: Any) -> None:
        if path.endswith("/upload"):
            raise Answer(status, body)

    world.cloud.disturb = disturb

    assert says in send(world, headers=JSON).json["error"]
    assert "<b>" not in send(world).text


def test_lost_answer_of_an_upload_asks_to_look_first(world):
    def disturb(method: str, path: str, carry_on: Any) -> None:
        if path.endswith("/upload"):
            carry_on()
            raise LoseAnswer

    world.cloud.disturb = disturb

    assert "Look in the list of courses" in send(world, headers=JSON).json["error"]


def test_import_that_cannot_be_asked_about_goes_on(world):
    token = send(world, headers=JSON).json["page"]

    def disturb(method: str, path: str, carry_on: Any) -> None:
        raise Answer("503 Down")

    world.cloud.disturb = disturb

    assert pick(world, "/package/import/status", token).json == {"status": "RUNNING"}
    assert "does not answer right now" in pick(world, "/package/import", token).text


def test_no_transaction_is_open_while_the_file_travels(world):
    open_transactions: set[int] = set()
    seen: list[int] = []
    event.listen(db.engine, "begin", lambda c: open_transactions.add(id(c)))
    for end in ("commit", "rollback"):
        event.listen(db.engine, end, lambda c: open_transactions.discard(id(c)))

    def disturb(method: str, path: str, carry_on: Any) -> None:
        seen.append(len(open_transactions))

    form = upload_form(world)
    world.cloud.disturb = disturb
    send(world, form=form, headers=JSON)

    assert seen and set(seen) == {0}


# A page that grows old


def take_an_hour(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """Let the file of an upload come in slowly."""
    read = package_views._read_form

    def slowly(services: Any) -> None:
        clock.advance(3601)
        read(services)

    monkeypatch.setattr(package_views, "_read_form", slowly)


@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_upload_may_take_an_hour(world, clock, monkeypatch, headers):
    form = upload_form(world)
    clock.advance(3590)
    take_an_hour(monkeypatch, clock)

    sent = send(world, form=form, headers=headers)

    assert sent.status_code == 200, sent.text
    token = sent.json["page"] if headers else token_of(sent)
    assert "The course is ready" in wait_for_import(world, token).text


def test_upload_of_an_old_page_does_not_begin(world, clock, monkeypatch):
    form = upload_form(world)
    clock.advance(3601)
    monkeypatch.setattr(package_views, "_read_form", None)  # would fail

    assert "page is too old" in send(world, form=form, headers=JSON).json["error"]


@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_question_after_a_long_upload_can_be_answered(world, clock, monkeypatch, headers):
    form = upload_form(world)
    with monkeypatch.context() as slow:
        take_an_hour(slow, clock)
        asked = send(world, form=form, course_id="golf", headers=headers)

    if headers:
        form = asked.json["fresh"]["address"], asked.json["fresh"]["page"]
    else:
        shown = read_page(asked.text, PICK).forms[0]
        form = shown.action, shown.fields["page"]
    sent = send(world, form=form, course_id="golf", new_version_of="golf", headers=JSON)

    assert asked.status_code == 409
    assert "version 2" in wait_for_import(world, sent.json["page"]).text


def test_check_makes_the_page_young(world, clock):
    _, token = upload_form(world)
    clock.advance(3500)
    fresh = pick(world, "/package/check", token, course_id="swim").json["fresh"]
    clock.advance(3500)

    sent = send(world, form=(fresh["address"], fresh["page"]), headers=JSON)

    assert sent.status_code == 200


# Whose upload it is


@pytest.mark.parametrize("ticket", ["", "forged"], ids=["no ticket", "forged ticket"])
@pytest.mark.parametrize("headers", [{}, JSON], ids=["form", "script"])
def test_upload_without_ticket_is_not_even_read(world, ticket, headers):
    _, token = upload_form(world)
    address = f"/lti/pick/package/upload?ticket={ticket}"

    sent = send(world, form=(address, token), headers=headers)

    assert sent.status_code == 400
    assert "page is too old" in sent.text
    assert "POST upload" not in world.cloud.asked


@pytest.mark.parametrize("token", ["", "forged"], ids=["no token", "forged token"])
def test_upload_needs_the_page_s_token_too(world, token):
    action, _ = upload_form(world)

    sent = send(world, form=(action, token))

    assert code(sent) == "page_expired"
    assert "POST upload" not in world.cloud.asked


@pytest.mark.parametrize("where", ["/check", "/import/status"])
@pytest.mark.parametrize("token", ["", "forged"], ids=["no token", "forged token"])
def test_scripts_need_the_page_s_token(world, where, token):
    response = pick(world, f"/package{where}", token, course_id="golf")

    assert response.status_code == 400
    assert "exists" not in response.json


def test_page_s_token_is_no_ticket(world):
    _, token = upload_form(world)

    sent = send(world, form=(f"/lti/pick/package/upload?ticket={token}", token))

    assert code(sent) == "page_expired"


def test_ticket_of_another_user_does_not_fit(world):
    _, token = upload_form(world)
    stranger = PageToken(1, 1, "mallory", Visitor.INSTRUCTOR, data={"kind": "upload", "account": 1})
    address = f"/lti/pick/package/upload?ticket={sign_page(world.services, stranger)}"

    sent = send(world, form=(address, token))

    assert code(sent) == "page_expired"
    assert "POST upload" not in world.cloud.asked


@pytest.mark.parametrize("where", ["/package", "/package/import"])
def test_assistants_do_not_upload(world, where):
    token = token_of(deep_link(world, roles=[ASSISTANT]))

    response = pick(world, where, token)

    assert (response.status_code, code(response)) == (403, "uploading_not_allowed")


def test_assistant_with_a_ticket_does_not_upload(world):
    token = token_of(deep_link(world, roles=[ASSISTANT]))
    ticket = PageToken(1, 1, "ida", Visitor.ASSISTANT, data={"kind": "upload", "account": 1})
    address = f"/lti/pick/package/upload?ticket={sign_page(world.services, ticket)}"

    assert code(send(world, form=(address, token))) == "uploading_not_allowed"
    assert code(pick(world, "/package", token_of(deep_link(world, roles=[LEARNER])))) == (
        "page_expired"
    )


def test_job_is_asked_about_in_its_own_account_only(world):
    """A platform that moves to another account takes no job of the old one along."""
    token = send(world, headers=JSON).json["page"]
    other = PracticeCloud()
    try:
        now, signer = world.services.now(), world.services.signer
        row = save_account("other", other.base_url, "practice", "practice", signer, now=now)
        db.session.execute(db.text("UPDATE platform SET scorm_account_id = :id"), {"id": row.id})
        db.session.commit()
        db.session.expire_all()  # the request shares this test's session

        status = pick(world, "/package/import/status", token)

        assert status.status_code == 400
        assert other.asked == []
    finally:
        other.stop()


def test_picker_s_token_names_no_job(world):
    token = token_of(deep_link(world))

    assert code(pick(world, "/package/import", token, job="1")) == "page_expired"
