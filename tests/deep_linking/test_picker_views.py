"""From a deep linking launch to the answer: the list, the confirmation, and every refusal."""

import html
import re

import pytest
import requests
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.lti.models import UsedNonce
from lti_bridge.platforms.accounts import save_account
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Registration
from tests.deep_linking.picking import DL, LTI, PICK, answer, deep_link, pick, titles, token_of
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LEARNER
from tests.practice_cloud import Answer, PracticeCloud
from tests.world import World, code, count

FACULTY = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
ASSISTANT = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
EVIL = '"><img src=x onerror="alert(1)">'


def rename(world: World, course_id: str, title: str) -> None:
    """Give a course of the practice account another title."""
    url = f"{world.cloud.base_url}/courses/{course_id}/title"
    done = requests.put(url, json={"title": title}, auth=("practice", "practice"), timeout=5)
    assert done.status_code == 204


def ids(response: TestResponse) -> list[str]:
    """Return the ids of the courses that a page lists."""
    return re.findall(r'name="course" value="([^"]*)" id=', response.text)


def trail_of(response: TestResponse, button: str) -> str:
    """Return what a button that turns the page sends."""
    found = re.search(rf'name="trail" value="([^"]*)">{button}<', response.text)
    assert found, response.text
    return html.unescape(found.group(1))


def test_instructor_sees_the_courses_of_the_account(world):
    world.cloud.add_course("first-aid")

    response = deep_link(world)

    assert response.status_code == 200
    assert "<code>golf</code> SCORM 1.2 · version 1 · <time" in response.text
    assert "<code>first-aid</code>" in response.text
    assert (count(Registration), count(UsedNonce)) == (0, 1)
    assert response.headers["Cache-Control"] == "no-store"
    assert (
        f"frame-ancestors 'self' {world.platform.url}"
        in (response.headers["Content-Security-Policy"])
    )


@pytest.mark.parametrize("role", [INSTRUCTOR, ADMIN, ASSISTANT], ids=["teacher", "admin", "TA"])
def test_staff_may_pick(world, role):
    assert titles(deep_link(world, roles=[role])) == ["Golf"]


@pytest.mark.parametrize(
    "roles", [[LEARNER], [TEST_USER, INSTRUCTOR]], ids=["learner", "test user"]
)
def test_others_are_refused_and_can_go_back(world, roles):
    response = deep_link(world, roles=roles)

    assert (response.status_code, code(response)) == (403, "picking_not_allowed")
    assert world.cloud.asked == []
    back = pick(world, "/refused", token_of(response))
    claims = answer(world, back)
    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}errorlog"] == "picking_not_allowed"
    assert claims[f"{DL}errormsg"].startswith("Your LMS says that you do not teach")
    assert claims[f"{DL}data"] == "csrf:opaque"


def test_stranger_is_refused_and_can_go_back(world):
    response = deep_link(world, roles=[FACULTY])

    assert (response.status_code, code(response)) == (403, "not_enrolled")
    claims = answer(world, pick(world, "/refused", token_of(response)))
    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}errorlog"] == "not_enrolled"


@pytest.mark.parametrize(
    "where",
    ["", "/choose", "/cancel", "/preview", "/package"],
    ids=["picker", "choose", "cancel", "preview", "package"],
)
def test_refused_learner_s_token_opens_no_picker(world, where):
    token = token_of(deep_link(world, roles=[LEARNER]))

    response = pick(world, where, token, course="golf", preview="golf")

    assert code(response) == "page_expired"


def test_place_for_other_things_gets_a_readable_error(world):
    response = deep_link(world, accept_types=["file", "html"])

    assert (response.status_code, code(response)) == (400, "links_not_accepted")
    claims = answer(world, pick(world, "/refused", token_of(response)))
    assert claims[f"{DL}errorlog"] == "links_not_accepted"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "", "//evil.example/", None],
    ids=["script", "empty", "no scheme", "none"],
)
def test_answer_goes_to_web_addresses_only(world, url):
    response = deep_link(world, deep_link_return_url=url)

    assert (response.status_code, code(response)) == (400, "bad_message")
    assert "javascript" not in response.text


def test_search_finds_title_or_id(world):
    for course_id in ("first-aid", "safety-1", "safety-2"):
        world.cloud.add_course(course_id)
    rename(world, "first-aid", "Safety for all")
    token = token_of(deep_link(world))

    found = pick(world, "", token, find="1", search="  SAFETY ")
    none = pick(world, "", token, find="1", search=EVIL)

    assert sorted(titles(found)) == ["Golf", "Golf", "Safety for all"]
    assert 'value="SAFETY"' in found.text
    assert titles(none) == []
    assert "<img" not in none.text


def test_results_come_in_pages_there_and_back(world):
    for number in range(24):
        world.cloud.add_course(f"course-{number:02}")
    first = deep_link(world)
    token = token_of(first)

    second = pick(world, "", token, trail=trail_of(first, "Next"))
    third = pick(world, "", token, trail=trail_of(second, "Next"))
    back = pick(world, "", token, trail=trail_of(third, "Previous"))

    pages = [ids(page) for page in (first, second, third)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert len({course for page in pages for course in page}) == 25
    assert ids(back) == pages[1]
    assert "Next" not in third.text
    assert "Page 1 · 25 courses" in first.text


@pytest.mark.parametrize(
    "trail",
    ["", "x", "[]", "{}", '["a"]', "[[1,2]]", "9" * 20_000],
    ids=[
        "empty",
        "no JSON",
        "empty list",
        "object",
        "text in the list",
        "numbers in a step",
        "huge number",
    ],
)
def test_odd_page_is_the_first_one(world, trail):
    token = token_of(deep_link(world))

    response = pick(world, "", token, trail=trail)

    assert titles(response) == ["Golf"]


def test_one_course_is_confirmed_and_sent(world):
    response = deep_link(world)

    confirm = pick(world, "/choose", token_of(response), course="golf")
    fields = {"title-0": "Golf for beginners", "target": "window", "width": "900", "height": ""}
    sent = pick(world, "/add", token_of(confirm), **fields)

    claims = answer(world, sent)
    issued = int(world.services.now().timestamp()) - 5
    assert (claims["iss"], claims["iat"]) == ("client-1", issued)
    assert claims[f"{LTI}deployment_id"] == "1"
    assert claims[f"{DL}data"] == "csrf:opaque"
    assert claims[f"{DL}content_items"] == [
        {
            "type": "ltiResourceLink",
            "title": "Golf for beginners",
            "url": "http://bridge.example/lti/launch",
            "custom": {"scorm_course_id": "golf"},
            "lineItem": {
                "scoreMaximum": 100,
                "label": "Golf for beginners",
                "resourceId": "golf",
                "tag": "scorm",
            },
            "window": {"targetName": "_blank", "width": 900},
        }
    ]


def test_many_courses_are_kept_across_pages(world):
    for course_id in ("first-aid", "fire"):
        world.cloud.add_course(course_id)
    token = token_of(deep_link(world))

    chosen = {"course": ["golf", "fire"], "named-golf": "Golf", "named-fire": "Fire"}
    listed = pick(world, "", token, find="1", search="first", **chosen)
    confirm = pick(world, "/choose", token, course=["golf", "fire", "golf"])
    sent = pick(world, "/add", token_of(confirm), **{"title-0": "A", "title-1": "  "})

    assert 'value="golf" checked> Golf' in listed.text
    items = answer(world, sent)[f"{DL}content_items"]
    assert [(i["custom"]["scorm_course_id"], i["title"]) for i in items] == [
        ("golf", "A"),
        ("fire", "Golf"),
    ]


def test_platform_that_takes_one_gets_one(world):
    world.cloud.add_course("fire")
    response = deep_link(world, accept_multiple=False)

    confirm = pick(world, "/choose", token_of(response), course=["golf", "fire"])
    sent = pick(world, "/add", token_of(confirm), **{"title-0": "Golf"})

    assert 'type="checkbox"' not in response.text
    assert len(answer(world, sent)[f"{DL}content_items"]) == 1


def test_where_it_opens_is_what_the_platform_takes(world):
    token = token_of(deep_link(world, accept_presentation_document_targets=["frame", "iframe"]))

    confirm = pick(world, "/choose", token, course="golf")
    sent = pick(world, "/add", token_of(confirm), target="window")

    assert 'value="iframe"' in confirm.text
    assert 'value="window"' not in confirm.text
    (item,) = answer(world, sent)[f"{DL}content_items"]
    assert "window" not in item and "iframe" not in item


@pytest.mark.parametrize("courses", [[], [""]], ids=["none", "empty"])
def test_nothing_chosen_says_so(world, courses):
    token = token_of(deep_link(world))

    response = pick(world, "/choose", token, course=courses)

    assert response.status_code == 400
    assert "Choose a course first." in response.text
    assert titles(response) == ["Golf"]


def test_page_of_the_list_adds_nothing(world):
    response = pick(world, "/add", token_of(deep_link(world)), course="golf", **{"title-0": "x"})

    assert response.status_code == 400
    assert "Choose a course first." in response.text


def test_cancel_returns_to_the_lms(world):
    claims = answer(world, pick(world, "/cancel", token_of(deep_link(world))))

    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}msg"] == "Nothing was added."
    assert claims[f"{DL}data"] == "csrf:opaque"


def test_preview_opens_the_untracked_player(world):
    token = token_of(deep_link(world))
    world.cloud.asked.clear()

    response = pick(world, "/preview", token, preview="golf")

    assert response.status_code == 303
    assert response.location.startswith(world.cloud.server.url)
    assert world.cloud.asked == ["POST preview"]
    done = world.browser.get("/lti/pick/preview/done")
    assert "close this window" in done.text


def test_titles_cannot_write_into_our_pages(world):
    rename(world, "golf", EVIL)
    first = deep_link(world)

    confirm = pick(world, "/choose", token_of(first), course="golf")
    sent = pick(world, "/add", token_of(confirm), **{"title-0": EVIL})
    kept = pick(world, "", token_of(first), course=EVIL, **{f"named-{EVIL}": EVIL})

    for page in (first, confirm, sent, kept):
        assert "<img" not in page.text
    assert answer(world, sent)[f"{DL}content_items"][0]["title"] == EVIL


def test_picker_in_a_window_says_where_its_answer_goes(world):
    """LMSs take it only in the frame that the window was opened from (Moodle: measured)."""
    window = deep_link(world, in_window=True)
    token = token_of(window)
    pages = [window, pick(world, "/choose", token, course="golf"), pick(world, "/package", token)]
    pages.append(pick(world, "/add", token_of(pages[1]), **{"title-0": "Golf"}))
    framed = deep_link(world)
    answered = pick(world, "/cancel", token_of(framed))

    for page in pages:
        assert "Keep the page of your course open" in page.text
        assert "relay.js" in page.text
    assert answer(world, pages[-1])[f"{DL}content_items"][0]["title"] == "Golf"
    for page in (framed, answered):
        assert "Keep the page of your course open" not in page.text


# Whose page it is


@pytest.mark.parametrize(
    "where",
    ["", "/preview", "/choose", "/add", "/cancel", "/refused", "/package", "/package/import"],
    ids=["picker", "preview", "choose", "add", "cancel", "refused", "package", "import"],
)
@pytest.mark.parametrize("token", ["", "forged"], ids=["no token", "forged token"])
def test_every_form_needs_the_page_s_token(world, where, token):
    response = pick(world, where, token, course="golf", preview="golf")

    assert (response.status_code, code(response)) == (400, "page_expired")
    assert world.cloud.asked == []


def test_page_works_for_an_hour(world, clock):
    token = token_of(deep_link(world))
    clock.advance(3601)

    assert code(pick(world, "/choose", token, course="golf")) == "page_expired"


@pytest.fixture
def elsewhere(world: World):
    """Another account, with a course that this platform must not reach."""
    other = PracticeCloud()
    other.add_course("secret")
    now = world.services.now()
    row = save_account(
        "other", other.base_url, "practice", "practice", world.services.signer, now=now
    )
    yield row, other
    other.stop()


def test_course_of_another_account_cannot_be_picked(world, elsewhere):
    token = token_of(deep_link(world))

    chosen = pick(world, "/choose", token, course="secret")
    preview = pick(world, "/preview", token, preview="secret")

    assert "Your SCORM Cloud account does not have: secret." in chosen.text
    assert code(preview) == "course_missing"
    assert elsewhere[1].asked == []


def test_page_ends_when_the_platform_moves_to_another_account(world, elsewhere):
    token = token_of(deep_link(world))
    confirm = token_of(pick(world, "/choose", token, course="golf"))
    platform = db.session.scalars(select(Platform)).one()
    platform.scorm_account_id = elsewhere[0].id
    db.session.commit()

    assert code(pick(world, "/add", confirm)) == "page_expired"
    assert code(pick(world, "", token)) == "page_expired"
    assert elsewhere[1].asked == []


def test_disabled_platform_picks_nothing(world):
    token = token_of(deep_link(world))
    platform = db.session.scalars(select(Platform)).one()
    platform.disabled_at = world.services.now()
    db.session.commit()

    response = pick(world, "/choose", token, course="golf")

    assert (response.status_code, code(response)) == (403, "platform_disabled")


# When SCORM Cloud fails


def fail_with(world: World, status: str) -> None:
    def disturb(method: str, path: str, carry_on: object) -> None:
        raise Answer(status, {"message": "no"})

    world.cloud.disturb = disturb


def test_list_offers_to_try_again(world):
    fail_with(world, "503 Down")

    response = deep_link(world)

    assert response.status_code == 503
    assert "SCORM Cloud does not answer right now." in response.text
    world.cloud.disturb = lambda method, path, carry_on: None
    assert titles(pick(world, "", token_of(response))) == ["Golf"]


def test_wrong_credentials_are_the_operator_s(world):
    fail_with(world, "401 Unauthorized")

    response = deep_link(world)

    assert response.status_code == 502
    assert "operator" in response.text


def test_account_without_courses_says_what_to_do(world):
    def disturb(method: str, path: str, carry_on: object) -> None:
        raise Answer("200 OK", {"courses": []})

    world.cloud.disturb = disturb

    teacher, assistant = deep_link(world), deep_link(world, roles=[ASSISTANT])

    assert "Upload the first one" in teacher.text
    assert "Upload" not in assistant.text
    assert read_page(teacher.text, PICK).forms
