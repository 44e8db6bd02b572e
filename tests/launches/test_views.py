"""Login to player over HTTP: each visitor's way, each failure's page."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_bridge.app import create_app
from lti_bridge.core.db import db
from lti_bridge.lti.models import UsedNonce
from lti_bridge.platforms.models import Deployment, Platform, ScormAccount
from lti_bridge.registrations.models import Grade, Launch, Registration, ResourceLink
from tests.conftest import close_app
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LEARNER
from tests.practice_cloud import Answer
from tests.world import HERE, World, code, count

TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


def login_cookies(world: World) -> list[str]:
    jar = world.browser._cookies.values()
    return [cookie.key for cookie in jar if cookie.key.startswith("lti_bridge_login_")]


def test_learner_goes_straight_to_the_player(world):
    response = world.launch()

    assert response.status_code == 303
    assert response.location.startswith(world.cloud.server.url)
    assert count(Registration) == count(Launch) == count(Grade) == 1
    row = db.session.scalars(select(Registration)).one()
    assert (row.course_id, row.attempt) == ("golf", 1)
    assert row.created_at is not None
    assert row.learner.first_name == "Alice"
    assert row.resource_link.line_item_url == f"{world.platform.url}/items/1?type_id=1"
    db.session.commit()
    assert list(world.cloud.posts()) == [row.registration_id]


def test_account_of_any_name_serves_platforms_that_name_none(world):
    db.session.execute(update(ScormAccount).values(name="main"))
    db.session.commit()

    assert world.launch().status_code == 303


def test_launch_answers_are_private(world):
    response = world.launch()

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert login_cookies(world) == []


def test_login_works_by_get(world):
    response = world.browser.get("/lti/login", query_string=world.login_form())

    assert response.status_code == 302
    assert response.location.startswith(f"{world.platform.url}/auth?")
    assert response.headers["Cache-Control"] == "no-store"
    assert count(UsedNonce) == 0


def test_relaunch_keeps_the_registration(world):
    world.launch()

    response = world.launch()

    assert response.status_code == 303
    assert (count(Registration), count(Launch), count(UsedNonce)) == (1, 2, 2)
    assert list(world.cloud.posts().values()) == [{"accepted": 1, "refused": 0}]


def test_two_tabs_do_not_disturb_each_other(world):
    first, second = world.launch_form(), world.launch_form()

    statuses = [
        world.browser.post("/lti/launch", data=form).status_code for form in (first, second)
    ]

    assert statuses == [303, 303]


def new_cookie(world: World) -> str:
    """Log in and return the name of the cookie that came in addition."""
    before = set(login_cookies(world))
    world.login()
    (added,) = set(login_cookies(world)) - before
    return added


def test_newest_eight_logins_are_kept(world):
    """Of twelve in one and the same moment."""
    made = [new_cookie(world) for _ in range(12)]

    assert set(login_cookies(world)) == set(made[4:])


def test_clock_set_back_keeps_the_order(world, clock):
    made = []
    for _ in range(12):
        made.append(new_cookie(world))
        clock.advance(-1)

    assert set(login_cookies(world)) == set(made[4:])


def test_same_launch_twice_is_refused(world):
    form = world.launch_form()
    cookie = world.browser._cookies.copy()
    world.browser.post("/lti/launch", data=form)
    world.browser._cookies.update(cookie)

    response = world.browser.post("/lti/launch", data=form)

    assert (response.status_code, code(response)) == (400, "replayed")
    assert count(Launch) == 1


def test_same_launch_on_two_nodes_works_once(app, settings, clock, world):
    form = world.launch_form()
    cookie = "; ".join(f"{c.key}={c.value}" for c in world.browser._cookies.values())
    other = create_app(settings, now=clock)

    def post(node):
        client = node.test_client(use_cookies=False)
        return client.post("/lti/launch", data=form, headers={"Cookie": cookie}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(post, [app, other]))
    close_app(other)

    assert statuses == [303, 400]
    assert (count(Launch), count(UsedNonce)) == (1, 1)


def test_other_browser_is_refused_and_nothing_written(app, world):
    form = world.launch_form()

    response = app.test_client().post("/lti/launch", data=form)

    assert (response.status_code, code(response)) == (403, "browser_unproven")
    assert count(UsedNonce) == count(ResourceLink) == 0
    retry = world.browser.post("/lti/launch", data=form)
    assert retry.status_code == 303


@pytest.mark.parametrize("roles", [[INSTRUCTOR], [TEST_USER, LEARNER]], ids=["staff", "test user"])
def test_others_preview_and_get_no_registration(world, roles):
    response = world.enter(roles=roles)

    assert response.status_code == 200
    assert "Golf" in response.text
    form = read_page(response.text, "/lti/launch").forms[0]
    player = world.browser.post(form.action, data=form.fields)
    assert player.status_code == 303
    assert player.location.startswith(world.cloud.server.url)
    assert (count(Registration), count(UsedNonce)) == (0, 1)
    assert world.cloud.posts() == {}


def test_staff_launch_teaches_the_line_item(world):
    world.launch(roles=[INSTRUCTOR])

    link = db.session.scalars(select(ResourceLink)).one()
    assert link.line_item_url == f"{world.platform.url}/items/1?type_id=1"


def test_preview_button_works_for_an_hour(world, clock):
    form = read_page(world.enter(roles=[INSTRUCTOR]).text, "/lti/launch").forms[0]
    clock.advance(3601)

    response = world.browser.post(form.action, data=form.fields)

    assert (response.status_code, code(response)) == (400, "page_expired")


def test_forged_preview_is_refused(world):
    response = world.browser.post("/lti/preview", data={"page": "x.y.z"})

    assert code(response) == "page_expired"


def test_end_of_preview_leads_back(world):
    form = read_page(world.enter(roles=[INSTRUCTOR]).text, "/lti/launch").forms[0]

    response = world.browser.get("/lti/preview/done", query_string=form.fields)

    assert response.status_code == 200
    links = read_page(response.text, HERE).links
    assert links == [("Go back to your course", f"{world.platform.url}/back")]
    assert f"{world.platform.url}/back" not in form.fields["page"]


def test_staff_learn_how_to_choose_a_course(world):
    response = world.enter(roles=[INSTRUCTOR], custom={})

    assert response.status_code == 200
    assert "no course yet" in response.text
    page = read_page(response.text, HERE)
    assert page.forms == []
    assert [text for text, _ in page.links][0] == "Choose a course"


def test_learner_without_course_gets_a_kind_page(world):
    response = world.launch(custom={"scorm_course_id": "$Unknown"})

    assert (response.status_code, code(response)) == (409, "no_course")
    assert count(Registration) == 0


def test_missing_course_is_named_for_staff(world):
    response = world.enter(roles=[INSTRUCTOR], custom={"scorm_course_id": "tennis"})

    assert "tennis" in response.text
    assert read_page(response.text, HERE).forms == []


def test_missing_course_stops_the_learner(world):
    response = world.launch(custom={"scorm_course_id": "tennis"})

    assert (response.status_code, code(response)) == (404, "course_missing")


def test_unknown_deployment_waits_for_approval(world):
    response = world.launch(deployment_id="2")

    assert (response.status_code, code(response)) == (403, "unknown_deployment")
    query = select(Deployment.status).where(Deployment.deployment_id == "2")
    assert db.session.scalars(query).one() == "pending"
    assert count(UsedNonce) == 0


@pytest.mark.parametrize(
    "changes, status, reason",
    [
        ({"iss": "https://other.example"}, 400, "unknown_platform"),
        ({"client_id": "other"}, 400, "unknown_platform"),
        ({"login_hint": ""}, 400, "login_incomplete"),
    ],
    ids=["unknown issuer", "unknown client id", "no login hint"],
)
def test_login_that_cannot_be_placed(world, changes, status, reason):
    response = world.browser.post("/lti/login", data=world.login_form(**changes))

    assert (response.status_code, code(response)) == (status, reason)


def test_login_without_client_id_finds_the_only_platform(world):
    assert world.login(client_id="")["client_id"] == "client-1"


def test_error_of_the_lms_becomes_a_page(world):
    sent = world.login()

    response = world.browser.post(
        "/lti/launch",
        data={
            "error": "login_required",
            "error_description": "<script>alert(1)</script>",
            "state": sent["state"],
        },
    )

    assert (response.status_code, code(response)) == (403, "lms_login_required")
    assert "<script>" not in response.text


def test_launch_address_by_hand(world):
    response = world.browser.get("/lti/launch")

    assert (response.status_code, code(response)) == (400, "not_from_lms")


def test_message_that_we_do_not_serve_is_refused(world):
    claims = {"message_type": "DataPrivacyLaunchRequest", "resource_link": None, "context": None}

    response = world.launch(**claims, for_user={"user_id": "4"})

    assert (response.status_code, code(response)) == (400, "unknown_message")
    assert count(Registration) == 0


def break_cloud(world: World, status: str = "503 Down") -> None:
    def disturb(method: str, path: str, carry_on: object) -> None:
        raise Answer(status, {"message": "no"})

    world.cloud.disturb = disturb


def test_try_again_after_scorm_cloud_failed(world):
    break_cloud(world)
    failed = world.launch()
    assert (failed.status_code, code(failed)) == (503, "scorm_cloud_down")
    world.cloud.disturb = lambda method, path, carry_on: None

    form = read_page(failed.text, "/lti/launch").forms[0]
    response = world.browser.post(form.action, data=form.fields)

    assert response.status_code == 303
    assert (count(Launch), count(UsedNonce)) == (1, 1)
    assert login_cookies(world) == []


def test_trying_again_can_fail_again(world):
    break_cloud(world)
    form = read_page(world.launch().text, "/lti/launch").forms[0]

    response = world.browser.post(form.action, data=form.fields)

    assert (response.status_code, code(response)) == (503, "scorm_cloud_down")
    page = read_page(response.text, HERE)
    assert page.forms[0].fields == form.fields
    assert ("Go back to your course", f"{world.platform.url}/back") in page.links


def test_other_browser_cannot_try_again(app, world):
    break_cloud(world)
    form = read_page(world.launch().text, "/lti/launch").forms[0]

    response = app.test_client().post(form.action, data=form.fields)

    assert (response.status_code, code(response)) == (400, "resume_invalid")


def test_refusal_of_scorm_cloud_has_its_own_page(world):
    break_cloud(world, "401 Unauthorized")

    response = world.launch()

    assert (response.status_code, code(response)) == (502, "scorm_cloud_refused")


def test_no_claim_is_reflected_unescaped(world):
    evil = '<img src=x onerror="alert(1)">'

    response = world.enter(
        roles=[INSTRUCTOR],
        resource_link={"id": evil, "title": evil},
        context={"id": evil, "title": evil},
        custom={"scorm_course_id": evil},
        launch_presentation={"return_url": "javascript:alert(1)"},
    )

    assert response.status_code == 200
    assert "<img" not in response.text
    assert "javascript:" not in response.text


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "\ud800"},
        {"given_name": "\ud800"},
        {"resource_link": {"id": "link-1", "title": "Golf \ud800"}},
        {"custom": {"\udfff": "x"}},
    ],
    ids=["sub", "name", "title", "key"],
)
@pytest.mark.parametrize("role", [LEARNER, INSTRUCTOR], ids=["learner", "teacher"])
def test_half_a_character_is_refused(world, role, changes):
    response = world.launch(roles=[role], **changes)

    assert (response.status_code, code(response)) == (400, "token_malformed")
    assert count(UsedNonce) == 0


def test_page_names_who_may_frame_it(world):
    world.launch(roles=[INSTRUCTOR])

    response = world.enter(
        roles=[INSTRUCTOR], launch_presentation={"return_url": "https://school.example/x"}
    )

    policy = response.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {world.platform.url} https://school.example" in policy
    assert "default-src 'none'" in policy
    # The column, not the row: an object of before may still stand in this test's session.
    kept = select(Platform.frame_origins, Platform.learnt_origins)
    assert [tuple(row) for row in db.session.execute(kept)] == [([], ["https://school.example"])]


def test_unverified_return_address_is_not_offered(world):
    sent = world.login()
    claims = world.platform.claims(world.services.now(), "other nonce")

    response = world.browser.post(
        "/lti/launch", data={"state": sent["state"], "id_token": world.platform.sign(claims)}
    )

    assert code(response) == "wrong_nonce"
    assert "/back" not in response.text


def test_public_keys_are_public(world):
    response = world.browser.get("/lti/jwks.json")

    keys = response.json["keys"]
    assert len(keys) == 1
    assert {"kid", "n", "e", "kty", "alg", "use"} == set(keys[0])
    assert response.headers["Cache-Control"] == "public, max-age=300"


def test_bridge_without_account_says_so(world):
    db.session.execute(db.text("DELETE FROM scorm_account"))
    db.session.commit()

    response = world.launch()

    assert (response.status_code, code(response)) == (500, "not_set_up")


def test_busy_registration_refreshes_itself(world):
    break_cloud(world)
    world.launch()
    world.cloud.disturb = lambda method, path, carry_on: None
    until = world.services.now() + timedelta(seconds=15)
    held = {"create_lease_token": "somebody else", "create_lease_until": until}
    db.session.execute(update(Registration).values(**held))
    db.session.commit()

    response = world.launch()

    assert (response.status_code, code(response)) == (202, "seat_busy")
    refresh = re.search(r'http-equiv="refresh" content="3; url=([^"]+)"', response.text)
    db.session.execute(update(Registration).values(create_lease_until=None))
    db.session.commit()
    assert world.browser.get(refresh.group(1)).status_code == 303


def in_window_of_its_own(school: bool | None, link: bool | None = None) -> None:
    """Let the platform, or the link, open the player in a window."""
    for model, wanted in ((Platform, school), (ResourceLink, link)):
        db.session.execute(update(model).values(player_window=wanted))
    db.session.commit()
    db.session.expire_all()


@pytest.mark.parametrize(
    "school, link, framed",
    [(None, None, True), (True, None, False), (True, False, True), (False, True, False)],
    ids=["not said", "the platform says window", "the link says frame", "the link says window"],
)
def test_player_opens_where_it_is_told(world, school, link, framed):
    world.launch()
    in_window_of_its_own(school, link)

    response = world.launch()

    assert response.location.startswith(world.cloud.server.url if framed else "/lti/attempt?")


def test_button_opens_the_player_in_a_window(world):
    world.launch()
    in_window_of_its_own(True)
    page = world.enter()

    form = read_page(page.text, "/lti/launch").forms[0]
    player = world.browser.post(form.action, data={**form.fields, "choice": "same"})

    assert 'target="_blank"' in page.text
    assert (player.status_code, player.location.startswith(world.cloud.server.url)) == (303, True)
    assert count(Registration) == 1


def test_window_needs_no_further_window(world):
    """The LMS itself opened the activity in a window."""
    world.launch()
    in_window_of_its_own(True)

    form = world.launch_form()
    response = world.browser.post("/lti/launch", data=form, headers={"Sec-Fetch-Dest": "document"})

    assert response.location.startswith(world.cloud.server.url)


def test_who_acts_as_a_learner_leaves_no_trace(world):
    custom = {"scorm_course_id": "golf", "masquerading_user": "17"}

    page = world.enter(custom=custom)

    assert (page.status_code, "You act as somebody else" in page.text) == (200, True)
    assert count(Registration) == count(Grade) == 0
    assert world.launch().status_code == 303


@pytest.mark.parametrize(
    "form",
    [
        {"lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0"},
        {"lti_version": "LTI-1p0"},
        {"lti_message_type": "basic-lti-launch-request"},
    ],
    ids=["whole", "version alone", "type alone"],
)
@pytest.mark.parametrize("where", ["launch", "login"])
def test_launch_of_lti_1_1_is_named(world, where, form):
    form = {**form, "oauth_consumer_key": "key", "user_id": "5", "resource_link_id": "1"}

    answer = world.browser.post(f"/lti/{where}", data=form)

    assert (answer.status_code, code(answer)) == (400, "lti_1_1")
    assert "LTI 1.3" in answer.text


@pytest.mark.parametrize("sub", [None, ""], ids=["left out", "empty"])
def test_anonymous_launch_is_named(world, sub):
    answer = world.launch(sub=sub)

    assert (answer.status_code, code(answer)) == (400, "anonymous_launch")
    assert count(ResourceLink) == count(UsedNonce) == 0


@pytest.mark.parametrize(
    "changes, reason, named",
    [
        ({"custom": "golf"}, "bad_claims", "custom is not an object"),
        ({"context": 5}, "bad_claims", "context is not an object"),
        ({"deployment_id": 5}, "bad_claims", "deployment_id is missing or not text"),
        ({"resource_link": {"id": "x" * 300}}, "bad_claims", "the id in resource_link is too long"),
        ({"sub": "x" * 300}, "bad_claims", "the id in sub is too long"),
        ({"exp": "soon"}, "bad_claims", "exp is not a time"),
        ({"roles": "Learner"}, "bad_roles", "roles is not a list"),
        ({"exp": None, "iat": None}, "claims_missing", "exp, iat"),
    ],
    ids=[
        "text as custom",
        "number as context",
        "number as deployment id",
        "long resource link id",
        "long sub",
        "text as exp",
        "text as roles",
        "no times",
    ],
)
def test_bad_claim_is_named(world, changes, reason, named):
    answer = world.launch(**changes)

    assert (answer.status_code, code(answer)) == (400, reason)
    assert f"<code>{named}</code>" in answer.text


def test_refusal_for_quota_is_no_fault_of_the_learner(world):
    def disturb(method, path, carry_on):
        if method == "POST" and path == "/registrations":
            raise Answer("400 BAD REQUEST", {"message": "Registration limit reached"})

    world.cloud.disturb = disturb

    answer = world.launch()

    assert (answer.status_code, code(answer)) == (503, "create_refused")


def test_names_reach_scorm_cloud_as_one_line(world):
    world.launch(given_name="Al\x1b[31mice\r\n", family_name="Le\u2028ar\tner", email="a\x00@b.c")

    row = db.session.scalars(select(Registration)).one()
    told = world.cloud.look(row.registration_id)["progress"]["learner"]
    assert (row.learner.first_name, row.learner.last_name) == ("Al [31mice", "Le ar ner")
    assert (told["firstName"], told["lastName"]) == ("Al [31mice", "Le ar ner")
    db.session.commit()


def test_name_of_control_characters_is_none(world):
    world.launch(given_name="\x07\x08", family_name="Learner", name=None)

    row = db.session.scalars(select(Registration)).one()
    assert (row.learner.first_name, row.learner.last_name) == (None, "Learner")
    db.session.commit()
