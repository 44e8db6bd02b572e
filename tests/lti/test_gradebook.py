"""Scores, results and line items, against recorded and odd answers."""

import json
import math

import pytest

from lti_bridge.core.errors import NotFound, NotReadWhole, Refused, Unavailable
from lti_bridge.core.http.session import USER_AGENT
from lti_bridge.lti.gradebook import Gradebook, choose_scopes
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import (
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    SCOPE_RESULT_READ,
    SCOPE_SCORE,
    SigningKey,
    same_line_item,
)
from tests.mini_platform import Asked, Reply, captured, rsa_key

SCORES = ("POST", "/items/8/lineitem/scores")
RESULTS = ("GET", "/items/8/lineitem/results")
ITEMS = ("GET", "/2/lineitems")
NEW_ITEM = ("POST", "/2/lineitems")
BODY = b'{"scoreGiven":85.5}'


@pytest.fixture
def tokens(outbound, clock):
    return AccessTokens(outbound, clock, lambda: SigningKey("tool-1", rsa_key("tool")))


@pytest.fixture
def gradebook(outbound, tokens):
    return Gradebook(outbound, tokens)


def line_item(platform) -> str:
    return f"{platform.url}/items/8/lineitem?type_id=1"


def send(gradebook, platform):
    return gradebook.send_score(platform.values(), line_item(platform), BODY, deadline_seconds=5)


def read(gradebook, platform, sub="4"):
    found = read_all(gradebook, platform, sub)
    return found[0] if found else None


def read_all(gradebook, platform, sub="4"):
    return gradebook.read_results_of(
        platform.values(), line_item(platform), sub, deadline_seconds=5
    )


def find(gradebook, platform, link="2"):
    url = f"{platform.url}/2/lineitems?type_id=1"
    return gradebook.find_line_items(platform.values(), url, link, deadline_seconds=5)


def recorded(file: str, method: str, url_part: str) -> list[dict]:
    return [
        entry
        for entry in captured(file)
        if entry["request"]["method"] == method and url_part in entry["request"]["url"]
    ]


def reply_of(entry: dict) -> Reply:
    answer = entry["response"]
    kind = answer["headers"].get("Content-Type", "text/plain")
    return Reply(answer["status"], answer["body"], {"Content-Type": kind}, answer["reason"])


def test_score_goes_beside_the_query(platform, gradebook, tokens):
    platform.routes[SCORES] = Reply(200, b"")

    reply = send(gradebook, platform)

    asked = platform.requests_to(SCORES[1])[0]
    token = tokens.get(platform.values(), [SCOPE_SCORE])
    assert (asked.method, asked.query, asked.body) == ("POST", "type_id=1", BODY)
    assert asked.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
    assert asked.headers["authorization"] == f"Bearer {token}"
    assert asked.headers["user-agent"] == USER_AGENT
    assert (reply.status, reply.excerpt) == (200, "")


MOODLE_SCORES = [
    entry
    for file in ("ags_scores_results.json", "ags_grade_edge_cases.json", "ags_token.json")
    for entry in recorded(file, "POST", "/scores")
]


@pytest.mark.parametrize("entry", MOODLE_SCORES, ids=lambda entry: entry["name"])
def test_replies_of_moodle_arrive_whole(platform, gradebook, entry):
    answer = reply_of(entry)
    platform.routes[SCORES] = answer

    reply = send(gradebook, platform)

    assert reply.status == answer.status
    assert reply.excerpt == answer.content().decode()[:500]
    assert reply.reason == (answer.reason or "").strip()[:500]


def test_conflict_says_why(platform, gradebook):
    entry = next(e for e in MOODLE_SCORES if e["name"] == "score_older_timestamp")
    platform.routes[SCORES] = reply_of(entry)

    reply = send(gradebook, platform)

    assert reply.status == 409
    assert reply.reason.startswith("Refusing score with an earlier timestamp")


def test_throttle_headers_are_read(platform, gradebook):
    headers = {"x-rate-limit-remaining": "12.5", "Retry-After": "30"}
    platform.routes[SCORES] = Reply(403, b"403 Forbidden (Rate Limit Exceeded)", headers)

    reply = send(gradebook, platform)

    assert (reply.retry_after, reply.rate_limit_remaining) == (30, 12.5)


def test_retry_after_can_be_a_date(platform, gradebook):
    later = {"Retry-After": "Mon, 02 Nov 2026 09:01:30 GMT"}
    platform.routes[SCORES] = Reply(503, b"", later, date="Mon, 02 Nov 2026 09:00:00 GMT")

    assert send(gradebook, platform).retry_after == 90


def test_expired_token_is_the_callers_business(platform, gradebook):
    platform.routes[SCORES] = Reply(401, {"status": 401})

    first = send(gradebook, platform)
    gradebook.forget_token(platform.values(), line_item(platform))
    send(gradebook, platform)

    assert first.status == 401
    posts = platform.requests_to(SCORES[1])
    assert len(posts) == 2
    assert posts[0].headers["authorization"] != posts[1].headers["authorization"]


def test_long_answers_are_cut(platform, gradebook):
    platform.routes[SCORES] = Reply(500, "é\0" * 600)

    assert send(gradebook, platform).excerpt == "é" * 500


def test_longer_pages_are_asked_for(platform, gradebook):
    platform.routes[RESULTS] = Reply(body=[])

    gradebook.read_results(platform.values(), line_item(platform), 5, page_size=100)
    gradebook.read_results(platform.values(), line_item(platform), 5)

    asked = [request.query for request in platform.requests_to(RESULTS[1])]
    assert asked == ["type_id=1&limit=100", "type_id=1"]


def test_result_is_asked_for_one_user(platform, gradebook):
    platform.routes[RESULTS] = Reply(
        body=[
            {"userId": "5", "resultScore": 10, "resultMaximum": 100},
            {"userId": 4, "resultScore": 42.5, "resultMaximum": 50, "timestamp": "t"},
        ]
    )

    others, mine = read_all(gradebook, platform)

    asked = platform.requests_to(RESULTS[1])[0]
    assert (others.user_id, mine.user_id) == ("5", "4")
    assert (mine.score, mine.maximum, mine.timestamp, mine.of_hundred) == (42.5, 50, "t", 85)
    assert asked.query == "type_id=1&user_id=4&userId=4"
    assert asked.headers["accept"] == "application/vnd.ims.lis.v2.resultcontainer+json"


@pytest.mark.parametrize(
    ("body", "maximum"),
    [({"scoreMaximum": 50}, 50), ({"scoreMaximum": "50"}, None), ({}, None), ([], None)],
    ids=["a number", "a text", "none", "no object"],
)
def test_maximum_of_a_column_is_read(platform, gradebook, body, maximum):
    path = RESULTS[1].removesuffix("/results")
    platform.routes["GET", path] = Reply(body=body)

    assert gradebook.read_maximum(platform.values(), line_item(platform), 5) == maximum
    asked = platform.requests_to(path)[0]
    assert asked.headers["accept"] == "application/vnd.ims.lis.v2.lineitem+json"


def test_missing_score_is_none(platform, gradebook):
    platform.routes[RESULTS] = Reply(body=[{"userId": "4", "resultMaximum": 100}])

    result = read(gradebook, platform)
    assert (result.score, result.maximum, result.garbled) == (None, 100, False)


@pytest.mark.parametrize("score", ["85.00", "85,00", None, True, [85], math.nan], ids=repr)
def test_score_that_is_no_number_is_garbled(platform, gradebook, score):
    platform.routes[RESULTS] = Reply(body=[{"userId": "4", "resultScore": score}])

    result = read(gradebook, platform)

    assert (result.score, result.garbled) == (None, True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/1/items/2", "https://a.example/1/items/2/", True),
        ("https://a.example/1/items/2", "https://school.example/1/items/2", True),
        ("https://a.example/1/items/2?t=1", "https://a.example/1/items/2?t=2", False),
        ("https://a.example/1/items/2", "https://a.example/1/items/3", False),
    ],
    ids=["slash at the end", "another host", "another query", "another path"],
)
def test_column_is_told_by_its_path(one, other, same):
    assert same_line_item(one, other) is same


def test_no_result_yet(platform, gradebook):
    platform.routes[RESULTS] = Reply(body=[])

    assert read(gradebook, platform) is None


@pytest.mark.parametrize(
    "reply, kind",
    [
        (Reply(404, b"Not Found: Grade item 8 doesn't exist"), NotFound),
        (Reply(403, b"Forbidden"), Refused),
        (Reply(403, b"403 Forbidden (Rate Limit Exceeded)"), Unavailable),
        (Reply(502, b""), Unavailable),
        (Reply(200, b"<html>"), NotReadWhole),
        (Reply(200, b"{}"), NotReadWhole),
    ],
    ids=["gone", "forbidden", "throttled", "broken", "html", "no list"],
)
def test_names_the_kind_of_failure(platform, gradebook, reply, kind):
    platform.routes[RESULTS] = reply

    with pytest.raises((Refused, Unavailable)) as caught:
        read(gradebook, platform)

    assert type(caught.value) is kind


def test_read_renews_its_token_once(platform, gradebook):
    answers = [Reply(401), Reply(body=[{"userId": "4", "resultScore": 7, "resultMaximum": 10}])]
    platform.routes[RESULTS] = lambda _: answers.pop(0)

    assert read(gradebook, platform).of_hundred == 70
    assert len(platform.requests_to("/token")) == 2


def test_second_401_is_final(platform, gradebook):
    platform.routes[RESULTS] = Reply(401)

    with pytest.raises(Refused):
        read(gradebook, platform)

    assert len(platform.requests_to(RESULTS[1])) == 2


def test_finds_line_item_of_moodle(platform, gradebook):
    entry = next(e for e in captured("ags_lineitems.json") if e["name"] == "lineitems_get")
    platform.routes[ITEMS] = reply_of(entry)

    found = find(gradebook, platform, link="1")

    asked = platform.requests_to(ITEMS[1])[0]
    assert found == ["http://localhost:8088/mod/lti/services.php/2/lineitems/2/lineitem?type_id=1"]
    assert asked.query == "type_id=1&resource_link_id=1"
    assert asked.headers["accept"] == "application/vnd.ims.lis.v2.lineitemcontainer+json"


def test_items_of_others_are_left_out(platform, gradebook):
    platform.routes[ITEMS] = Reply(
        body=[
            {"id": "https://lms.example/1", "resourceLinkId": "1", "resourceId": "same"},
            {"id": "https://lms.example/2", "resourceLinkId": 2, "scoreMaximum": 10, "label": "A"},
            {"id": "https://lms.example/3", "resourceId": "same"},
            {"resourceLinkId": "2"},
        ]
    )

    assert find(gradebook, platform) == ["https://lms.example/2"]


def paged(platform, link: str):
    def answer(asked: Asked) -> Reply:
        last = "from=2" in asked.query
        items = [{"id": f"https://lms.example/{int(last)}", "resourceLinkId": "2"}]
        return Reply(body=items, headers={} if last else {"Link": link})

    platform.routes[ITEMS] = answer


@pytest.mark.parametrize(
    "link",
    [
        '<{url}/2/lineitems?from=2>; rel="next"',
        "<{url}/2/lineitems?type_id=1&amp;from=2>; rel=“next”",
        '<{url}/first>; rel="first", </2/lineitems?from=2>; title="x"; rel=next',
    ],
    ids=["plain", "typographic", "relative"],
)
def test_follows_pages(platform, gradebook, link):
    paged(platform, link.format(url=platform.url).encode().decode("latin-1"))

    assert [url[-1] for url in find(gradebook, platform)] == ["0", "1"]


MADE = Reply(201, {"id": "https://lms.example/1", "label": "Golf", "scoreMaximum": 100})


def create(gradebook, platform, label="Golf"):
    url = f"{platform.url}/2/lineitems?type_id=1"
    return gradebook.create_line_item(platform.values(), url, "2", label, 5)


def test_line_item_is_created(platform, gradebook, tokens):
    platform.routes[NEW_ITEM] = MADE

    made = create(gradebook, platform)

    (asked,) = platform.requests_to(NEW_ITEM[1])
    token = tokens.get(platform.values(), [SCOPE_LINE_ITEM])
    assert made == "https://lms.example/1"
    assert asked.body == b'{"label":"Golf","scoreMaximum":100,"resourceLinkId":"2"}'
    assert asked.query == "type_id=1"
    assert asked.headers["content-type"] == "application/vnd.ims.lis.v2.lineitem+json"
    assert asked.headers["authorization"] == f"Bearer {token}"


@pytest.mark.parametrize(
    "title, label",
    [("é" * 300, "é" * 255), ("  ", "Score"), (None, "Score"), (" Golf ", "Golf")],
    ids=["long", "blank", "none", "spaces"],
)
def test_line_item_has_a_label(platform, gradebook, title, label):
    platform.routes[NEW_ITEM] = Reply(200, MADE.body)

    create(gradebook, platform, title)

    assert json.loads(platform.requests_to(NEW_ITEM[1])[0].body)["label"] == label


def test_new_token_creates_after_a_401(platform, gradebook):
    replies = iter([Reply(401), MADE])
    platform.routes[NEW_ITEM] = lambda _: next(replies)

    assert create(gradebook, platform) == "https://lms.example/1"

    assert len(platform.requests_to("/token")) == 2


@pytest.mark.parametrize(
    "body",
    [b"", "<html>", [], {}, {"id": None}, {"id": 7}, {"id": "7"}, {"id": "https://a/" + "1" * 999}],
    ids=["empty", "no JSON", "a list", "no id", "null", "number", "no address", "too long"],
)
def test_answer_without_an_address_is_no_no(platform, gradebook, body):
    platform.routes[NEW_ITEM] = Reply(201, body)

    with pytest.raises(Unavailable) as caught:
        create(gradebook, platform)

    assert caught.value.effect_unknown


@pytest.mark.parametrize(
    "reply, kind, unknown",
    [
        (Reply(500), Unavailable, True),
        (Reply(429), Unavailable, False),
        (Reply(403, b"403 Forbidden (Rate Limit Exceeded)"), Unavailable, False),
        (Reply(403, b"Forbidden"), Refused, None),
        (Reply(404), NotFound, None),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), Refused, None),
    ],
    ids=["500", "429", "throttled", "403", "404", "redirect"],
)
def test_refusal_makes_no_line_item(platform, gradebook, reply, kind, unknown):
    platform.routes[NEW_ITEM] = reply

    with pytest.raises(kind) as caught:
        create(gradebook, platform)

    assert getattr(caught.value, "effect_unknown", None) is unknown
    assert len(platform.requests_to(NEW_ITEM[1])) == 1


def test_without_a_token_nothing_was_created(platform, gradebook):
    platform.routes["POST", "/token"] = Reply(503)

    with pytest.raises(Unavailable) as caught:
        create(gradebook, platform)

    assert not caught.value.effect_unknown
    assert platform.requests_to(NEW_ITEM[1]) == []


CALLS = {
    "score": lambda book, platform, granted: book.send_score(
        platform.values(), line_item(platform), BODY, granted=granted, deadline_seconds=5
    ),
    "result": lambda book, platform, granted: book.read_results_of(
        platform.values(), line_item(platform), "4", 5, granted=granted
    ),
    "results": lambda book, platform, granted: book.read_results(
        platform.values(), line_item(platform), 5, granted=granted
    ),
    "line items": lambda book, platform, granted: book.find_line_items(
        platform.values(), f"{platform.url}/2/lineitems", "2", 5, granted=granted
    ),
    "new line item": lambda book, platform, granted: book.create_line_item(
        platform.values(), f"{platform.url}/2/lineitems", "2", "Golf", 5, granted=granted
    ),
}
NEEDS = {
    "score": SCOPE_SCORE,
    "result": SCOPE_RESULT_READ,
    "results": SCOPE_RESULT_READ,
    "line items": SCOPE_LINE_ITEM_READ,
    "new line item": SCOPE_LINE_ITEM,
}
EVERYTHING = (SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE)


def scopes_asked(platform) -> list[str]:
    return [asked.form()["scope"] for asked in platform.requests_to("/token")]


@pytest.fixture
def willing(platform):
    """A platform that answers every call."""
    platform.routes[SCORES] = Reply(200, b"")
    for route in (RESULTS, ITEMS):
        platform.routes[route] = Reply(200, [])
    platform.routes[NEW_ITEM] = Reply(201, {"id": "https://lms.example/1"})
    return platform


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("granted", [None, EVERYTHING], ids=["not known", "everything"])
def test_call_asks_for_what_it_needs(willing, gradebook, call, granted):
    CALLS[call](gradebook, willing, granted)

    assert scopes_asked(willing) == [NEEDS[call]]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("others", [True, False], ids=["others granted", "nothing granted"])
def test_scope_not_granted_is_not_asked_for(willing, gradebook, call, others):
    beside = {NEEDS[call], SCOPE_LINE_ITEM if call == "line items" else ""}
    granted = [scope for scope in EVERYTHING if others and scope not in beside]

    with pytest.raises(Refused) as caught:
        CALLS[call](gradebook, willing, granted)

    assert caught.value.code == "not_granted"
    assert NEEDS[call].rpartition("/")[2] in str(caught.value)
    assert willing.asked == []


def test_line_item_scope_stands_in_for_reading(willing, gradebook):
    CALLS["line items"](gradebook, willing, (SCOPE_LINE_ITEM, SCOPE_SCORE))

    assert scopes_asked(willing) == [SCOPE_LINE_ITEM]


def strict(granted: str):
    """A token endpoint that refuses the whole request for a scope that it does not know."""

    def answer(asked: Asked) -> Reply:
        if asked.form()["scope"] != granted:
            return Reply(400, {"error": "invalid_scope"})
        return Reply(200, {"access_token": "t", "expires_in": 3600})

    return answer


def test_unknown_grants_are_tried_one_after_the_other(willing, gradebook):
    willing.routes["POST", "/token"] = strict(SCOPE_LINE_ITEM)

    assert CALLS["line items"](gradebook, willing, None) == []

    assert scopes_asked(willing) == [SCOPE_LINE_ITEM_READ, SCOPE_LINE_ITEM]


@pytest.mark.parametrize("call", CALLS)
def test_scope_that_the_lms_refuses_ends_it(willing, gradebook, call):
    willing.routes["POST", "/token"] = strict("nothing")

    with pytest.raises(Refused) as caught:
        CALLS[call](gradebook, willing, None)

    assert caught.value.code == "invalid_scope"
    assert len(scopes_asked(willing)) == (2 if call == "line items" else 1)


@pytest.mark.parametrize(
    "granted, chosen",
    [
        (None, ["a", "b"]),
        (["b", "a", "c"], ["a"]),
        (["c", "b"], ["b"]),
    ],
    ids=["not known what was granted", "the first", "the second"],
)
def test_first_granted_scope_is_chosen(granted, chosen):
    assert list(choose_scopes(["a", "b"], granted)) == chosen
