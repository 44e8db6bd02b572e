"""Tokens, line items, scores and rosters: each refusal as the real LMS makes it."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.test import TestResponse

from lti_sandbox.practice_lms.ags import ITEMS_TYPE, RESULTS_TYPE, SCORE_TYPE
from lti_sandbox.practice_lms.bucket import Bucket
from lti_sandbox.practice_lms.nrps import MEMBERS_TYPE
from lti_sandbox.practice_lms.scopes import ALL_SCOPES
from lti_sandbox.practice_lms.state import Cell, ResultRow
from tests.lti_sandbox.lms.conftest import CLIENT, Lms
from tests.mini_platform import captured

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
EXTENSION = "https://canvas.instructure.com/lti/submission"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def item_url(lms: Lms) -> str:
    """Place an activity and return its line item's address."""
    lms.add_activity()
    (item,) = [i for i in lms.state.line_items.values() if i.client_id == CLIENT]
    if lms.dialect == "moodle":
        return f"http://localhost/mod/lti/services.php/2/lineitems/{item.id}/lineitem?type_id=1"
    return f"http://localhost/api/lti/courses/1/line_items/{item.id}"


def moment(seconds: float = 0) -> str:
    then = datetime.now(UTC) + timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def post(lms: Lms, url: str, token: str, kind: str = SCORE_TYPE, **changes: Any) -> TestResponse:
    """Post a score of 80 for Alice, with changes; None leaves a member out."""
    body = {
        "userId": lms.state.people["alice"].sub,
        "timestamp": moment(),
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 80,
        "scoreMaximum": 100,
    }
    score = {name: value for name, value in (body | changes).items() if value is not None}
    where, _, query = url.partition("?")
    data = json.dumps(score, separators=(",", ":"))
    return lms.call("POST", f"{where}/scores?{query}", token, data=data, content_type=kind)


def grade(lms: Lms) -> float | None:
    cells = lms.web.get("/control/grades").json["grades"]
    score: float | None = next(c["score"] for c in cells if c["person"] == "alice")
    return score


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"kid": None}, "error/Error: kid must be provided in JWT header."),
        ({"exp": 1}, "Expired token"),
        ({"iat": int(time.time()) + 4000}, "Cannot handle token with iat prior to"),
        ({"key": STRANGER}, "Signature verification failed"),
        ({"sub": "nobody"}, "invalid_client"),
    ],
    ids=["no kid", "expired", "iat ahead", "wrong key", "unknown client"],
)
def test_moodle_refuses_an_assertion_with_400(
    moodle: Lms, changes: dict[str, Any], error: str
) -> None:
    answer = moodle.ask_token(moodle.assertion(**changes))

    assert answer.status_code == 400
    assert error in json.loads(answer.text)["error"]


def test_moodle_has_no_leeway_for_iat(moodle: Lms) -> None:
    ahead = int(time.time()) + 2

    assert moodle.ask_token(moodle.assertion(iat=ahead)).status_code == 400


def test_moodle_answers_broken_json_for_an_unknown_key(moodle: Lms) -> None:
    answer = moodle.ask_token(moodle.assertion(kid="another"))

    assert answer.status_code == 400
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(answer.text)


def test_moodle_labels_tokens_as_html(moodle: Lms) -> None:
    answer = moodle.ask_token(moodle.assertion())

    assert answer.content_type == "text/html; charset=utf-8"
    assert json.loads(answer.text)["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"jti": None}, "lacks jti"),
        ({"exp": 1}, "not valid"),
        ({"iat": int(time.time()) - 4000}, "too old"),
        ({"iat": int(time.time()) + 4000}, "future"),
        ({"iss": "somebody"}, "not valid"),
        ({"key": STRANGER}, "JWS signature invalid."),
        ({"kid": "another"}, "JWK Error: "),
    ],
    ids=["no jti", "expired", "old iat", "iat ahead", "wrong iss", "wrong key", "unknown key"],
)
def test_canvas_refuses_an_assertion_with_401(
    canvas: Lms, changes: dict[str, Any], why: str
) -> None:
    answer = canvas.ask_token(canvas.assertion(**changes))

    assert answer.status_code == 401
    assert answer.json["error"] == "invalid_client"
    assert why in answer.json["error_description"]


def test_canvas_takes_an_assertion_once(canvas: Lms) -> None:
    assertion = canvas.assertion()

    statuses = [canvas.ask_token(assertion).status_code for _ in range(2)]

    assert statuses == [200, 401]


def test_moodle_takes_an_assertion_twice(moodle: Lms) -> None:
    assertion = moodle.assertion()

    assert [moodle.ask_token(assertion).status_code for _ in range(2)] == [200, 200]


def test_scope_that_was_not_granted(lms: Lms) -> None:
    """Moodle drops it without a word; Canvas refuses the whole request."""
    lms.tool.scopes = [f"{AGS}score"]

    answer = lms.ask_token(lms.assertion(), [f"{AGS}score", f"{AGS}result.readonly"])

    if lms.dialect == "moodle":
        assert json.loads(answer.text)["scope"] == f"{AGS}score"
    else:
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_canvas_refuses_who_names_no_agent(canvas: Lms) -> None:
    url, token = item_url(canvas), canvas.token()

    answer = canvas.call("GET", url, token, headers={"User-Agent": ""})

    assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "made-up"], ids=["no token", "made-up token"])
def test_call_without_a_good_token(lms: Lms, token: str) -> None:
    assert post(lms, item_url(lms), token).status_code == 401


def test_token_ends(lms: Lms) -> None:
    url, token = item_url(lms), lms.token()
    client, _, scopes = lms.state.tokens[token]
    lms.state.tokens[token] = (client, time.time() - 1, scopes)

    assert post(lms, url, token).status_code == 401


def test_token_without_the_scope(lms: Lms) -> None:
    url, token = item_url(lms), lms.token([f"{AGS}lineitem.readonly"])

    assert post(lms, url, token).status_code == {"moodle": 401, "canvas": 403}[lms.dialect]


def test_line_item_of_another_tool(lms: Lms) -> None:
    url, token = item_url(lms), lms.token()
    for item in lms.state.line_items.values():
        item.client_id = "another"

    assert post(lms, url, token).status_code == {"moodle": 403, "canvas": 412}[lms.dialect]


def test_line_item_that_is_gone(lms: Lms) -> None:
    url, token = item_url(lms), lms.token()
    lms.state.line_items.clear()

    answer = post(lms, url, token)

    assert answer.status_code == 404


def test_score_of_another_media_type(lms: Lms) -> None:
    answer = post(lms, item_url(lms), lms.token(), "application/json")

    assert answer.status_code == 400
    assert grade(lms) is None


def test_moodle_wants_the_lists_media_type(moodle: Lms) -> None:
    token = moodle.token()
    url = "http://localhost/mod/lti/services.php/2/lineitems?type_id=1"

    def ask(accept: str) -> int:
        return moodle.call("GET", url, token, headers={"Accept": accept}).status_code

    assert [ask(ITEMS_TYPE), ask("application/json"), ask("*/*")] == [200, 400, 400]


def test_moodle_knows_nothing_after_the_query(moodle: Lms) -> None:
    url, token = item_url(moodle), moodle.token()

    answer = moodle.call("POST", f"{url}/scores", token, data="{}", content_type=SCORE_TYPE)

    assert answer.status_code in (400, 405)
    assert moodle.web.get("/control/scores").json["scores"] == []


@pytest.mark.parametrize(
    ("seconds", "moodle_status", "canvas_status"),
    [(0.0, 409, 200), (0.2, 409, 200), (-5.0, 409, 400), (2.0, 200, 200)],
    ids=["same", "same second", "older", "newer"],
)
def test_timestamp_must_grow(
    lms: Lms, seconds: float, moodle_status: int, canvas_status: int
) -> None:
    url, token = item_url(lms), lms.token()
    base = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert post(lms, url, token, timestamp=base.isoformat()).status_code == 200

    later = (base + timedelta(seconds=seconds)).isoformat()
    answer = post(lms, url, token, timestamp=later, scoreGiven=10)

    assert answer.status_code == {"moodle": moodle_status, "canvas": canvas_status}[lms.dialect]


@pytest.mark.parametrize(
    "change",
    [{"gradingProgress": "Pending"}, {"gradingProgress": "NotReady", "scoreGiven": None}],
    ids=["pending", "no score"],
)
def test_anything_but_a_final_score_erases_in_moodle(moodle: Lms, change: dict[str, Any]) -> None:
    url, token = item_url(moodle), moodle.token()
    post(moodle, url, token, timestamp=moment(-10))
    assert grade(moodle) == 80

    answer = post(moodle, url, token, **change)

    assert answer.status_code == 200
    assert grade(moodle) is None


def test_moodle_refuses_with_200_when_the_body_has_lines(moodle: Lms) -> None:
    url, token = item_url(moodle), moodle.token()
    body = json.dumps({"userId": "9999", "timestamp": moment()}, indent=1)
    where, _, query = url.partition("?")

    answer = moodle.call(
        "POST", f"{where}/scores?{query}", token, data=body, content_type=SCORE_TYPE
    )

    assert (answer.status_code, answer.json) == (200, [])
    assert grade(moodle) is None


@pytest.mark.parametrize(
    ("change", "moodle_status", "canvas_status"),
    [
        ({"userId": "9999"}, 400, 422),
        ({"userId": "abc"}, 502, 422),
        ({"timestamp": None}, 400, 400),
        ({"timestamp": "yesterday"}, 400, 400),
        ({"activityProgress": None}, 400, 400),
        ({"gradingProgress": None}, 400, 400),
        ({"scoreMaximum": None}, 400, 422),
        ({"scoreGiven": "many"}, 400, 400),
        ({"activityProgress": "Banana"}, 200, 400),
        ({"submission": {"submittedAt": "2999-01-01T00:00:00Z"}}, 200, 400),
    ],
    ids=[
        "unknown user",
        "user of letters",
        "no timestamp",
        "timestamp in words",
        "no activity progress",
        "no grading progress",
        "no maximum",
        "score in words",
        "unknown activity progress",
        "submitted in the future",
    ],
)
def test_score_that_is_not_one(
    lms: Lms, change: dict[str, Any], moodle_status: int, canvas_status: int
) -> None:
    answer = post(lms, item_url(lms), lms.token(), **change)

    assert answer.status_code == {"moodle": moodle_status, "canvas": canvas_status}[lms.dialect]


@pytest.mark.parametrize("person", ["ida", "adam"])
def test_no_grades_for_teachers(lms: Lms, person: str) -> None:
    sub = lms.state.people[person].sub

    answer = post(lms, item_url(lms), lms.token(), userId=sub)

    assert answer.status_code == {"moodle": 400, "canvas": 422}[lms.dialect]


def test_locked_grade_in_moodle(moodle: Lms) -> None:
    url, token = item_url(moodle), moodle.token()
    moodle.web.put("/control/course", json={"locked": True})

    answer = post(moodle, url, token)

    assert (answer.status_code, answer.json) == (500, [])


def test_concluded_course_in_canvas(canvas: Lms) -> None:
    url, token = item_url(canvas), canvas.token()
    canvas.web.put("/control/course", json={"concluded": True})

    answer = post(canvas, url, token)

    assert answer.status_code == 422
    assert "concluded" in answer.text


def test_canvas_counts_new_submissions(canvas: Lms) -> None:
    url, token = item_url(canvas), canvas.token()
    canvas.web.put("/control/course", json={"attempts_allowed": 2})

    def submit(second: int, new: bool) -> int:
        at = f"2026-11-02T09:00:{second:02d}.000Z"
        extension = {"new_submission": new}
        changes = {"timestamp": at, "submission": {"submittedAt": at}, EXTENSION: extension}
        return post(canvas, url, token, **changes).status_code

    statuses = [submit(1, True), submit(2, False), submit(3, True), submit(4, True)]

    assert statuses == [200, 200, 200, 422]


def test_canvas_slows_down_who_hurries(canvas: Lms) -> None:
    url, token = item_url(canvas), canvas.token()
    canvas.web.put("/control/course", json={"throttle": True})

    answer = post(canvas, url, token)

    assert (answer.status_code, answer.headers["X-Rate-Limit-Remaining"]) == (403, "0.0")
    assert "Rate Limit Exceeded" in answer.text


def test_canvas_tells_what_remains(canvas: Lms) -> None:
    answer = post(canvas, item_url(canvas), canvas.token())

    assert 500 < float(answer.headers["X-Rate-Limit-Remaining"]) < 600


def test_bucket_holds_twelve_at_a_time_and_drains() -> None:
    bucket = Bucket()

    entered = [bucket.enter(100.0) for _ in range(13)]
    for _ in range(12):
        remaining = bucket.leave(100.0)
    costly = Bucket.FULL - remaining
    bucket.enter(100.3)

    assert entered == [True] * 12 + [False]
    assert costly == 12 * Bucket.COST
    assert bucket.leave(200.0) == Bucket.FULL - Bucket.COST


@pytest.mark.parametrize(
    ("query", "pages"), [("", [10, 2]), ("?limit=100", [12])], ids=["usual limit", "limit of 100"]
)
def test_canvas_gives_few_results_at_a_time(canvas: Lms, query: str, pages: list[int]) -> None:
    """https://canvas.instructure.com/doc/api/file.pagination.html"""
    url, token = item_url(canvas), canvas.token(ALL_SCOPES)
    (item,) = [i for i in canvas.state.line_items.values() if i.client_id == CLIENT]
    for number in range(12):
        canvas.state.cells[item.id, f"user-{number}"] = Cell(row=ResultRow(80.0, 100.0))

    found, following = [], f"{url}/results{query}"
    while following:
        answer = canvas.call("GET", following, token, headers={"Accept": RESULTS_TYPE})
        found.append([result["userId"] for result in answer.json])
        link = answer.headers.get("Link", "")
        following = link[1 : link.index(">")] if link else ""

    assert [len(page) for page in found] == pages
    assert len({user for page in found for user in page}) == 12


def test_grade_that_is_gone_has_no_entry(lms: Lms) -> None:
    """A course reset removes the entry; a teacher who empties the cell leaves one."""
    where, _, rest = item_url(lms).partition("?")
    url, token = f"{where}/results?{rest}", lms.token(ALL_SCOPES)
    post(lms, f"{where}?{rest}", token)
    activity = next(iter(lms.state.activities))
    cell = {"activity": activity, "person": "alice"}

    shown = []
    for change in ({"score": None}, {"gone": True}):
        lms.web.put("/control/grades", json=cell | change)
        answer = lms.call("GET", url, token, headers={"Accept": RESULTS_TYPE})
        shown.append([result.get("resultScore", "-") for result in answer.json])

    assert shown == [["-"], []]


def test_roster_is_paged(lms: Lms) -> None:
    token = lms.token([NRPS])
    url: str | None = lms.web.get("/control/platform").json["memberships_url"] + "?limit=2"
    found = []
    while url:
        answer = lms.call("GET", url, token, headers={"Accept": MEMBERS_TYPE})
        found += [member["user_id"] for member in answer.json["members"]]
        link = answer.headers.get("Link", "")
        url = link[1 : link.index(">")] if link else None

    assert found == [person.sub for person in lms.state.people.values() if person.key != "faye"]


def test_roster_has_an_assistant_as_each_lms_does(lms: Lms) -> None:
    url = lms.web.get("/control/platform").json["memberships_url"]

    answer = lms.call("GET", url, lms.token([NRPS]), headers={"Accept": MEMBERS_TYPE})

    (roles,) = [m["roles"] for m in answer.json["members"] if m["given_name"] == "Tara"]
    part = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
    assert (roles == ["Learner"]) is (lms.state.dialect == "moodle")
    assert (part in roles) is (lms.state.dialect == "canvas")


def test_roster_by_role(lms: Lms) -> None:
    url = lms.web.get("/control/platform").json["memberships_url"] + "?role=Learner"

    answer = lms.call("GET", url, lms.token([NRPS]), headers={"Accept": MEMBERS_TYPE})

    names = {member["given_name"] for member in answer.json["members"]}
    assert {"Alice", "Ben", "Carla"} <= names
    assert not {"Ida", "Adam"} & names


def test_roster_needs_its_scope(lms: Lms) -> None:
    url = lms.web.get("/control/platform").json["memberships_url"]
    token = lms.token([f"{AGS}score"])

    answer = lms.call("GET", url, token, headers={"Accept": MEMBERS_TYPE})

    assert answer.status_code == {"moodle": 401, "canvas": 403}[lms.dialect]


def test_roster_without_names_when_they_are_not_shared(lms: Lms) -> None:
    lms.tool.shares_names = False
    url = lms.web.get("/control/platform").json["memberships_url"]

    answer = lms.call("GET", url, lms.token([NRPS]), headers={"Accept": MEMBERS_TYPE})

    assert all("name" not in member and "email" not in member for member in answer.json["members"])


def test_recorded_scores_get_the_recorded_answers(moodle: Lms) -> None:
    """Replay what a real Moodle was sent, in order, and compare status and stored grades."""
    item_url(moodle)
    (item,) = moodle.state.line_items.values()
    token, different = moodle.token(), []
    for entry in captured("ags_scores_results.json"):
        asked, answered = entry["request"], entry["response"]
        if "/lineitems/8/lineitem/" not in asked["url"] or not asked["headers"].get(
            "Authorization"
        ):
            continue
        if answered["status"] == 401 or "limit=" in asked["url"]:
            continue
        url = asked["url"].replace("/lineitems/8/", f"/lineitems/{item.id}/")
        kind = asked["headers"].get("Content-Type")
        headers = {"Accept": asked["headers"].get("Accept", RESULTS_TYPE)}
        got = moodle.call(
            asked["method"], url, token, data=asked.get("body"), content_type=kind, headers=headers
        )
        wanted = answered["body"]
        same = got.status_code == answered["status"]
        if same and isinstance(wanted, list) and "/results" in url:
            same = _results(got.json) == _results(wanted)
        if not same:
            different.append((entry["name"], got.status_code, answered["status"], got.text[:200]))
    assert different == []


def _results(entries: Any) -> dict[str, Any]:
    return {str(e["userId"]): e.get("resultScore") for e in entries if "resultScore" in e}


def test_all_scopes_are_known() -> None:
    assert NRPS in ALL_SCOPES
