"""What the LMS sends at a launch, and what it refuses in the middle of one."""

import pytest

from tests.lti_sandbox.lms.conftest import CLIENT, TOOL, Lms

LTI = "https://purl.imsglobal.org/spec/lti/claim/"


def launch_path(lms: Lms, person: str = "alice", **changes: object) -> str:
    activity = lms.add_activity(**changes)
    lms.act_as(person)
    return f"/activities/{activity}/launch"


def test_launch_carries_the_claims(lms: Lms) -> None:
    claims = lms.claims(launch_path(lms))

    assert claims["iss"] == "http://localhost"
    assert claims["aud"] == CLIENT
    assert claims["nonce"] == "nonce-1"
    assert claims["exp"] - claims["iat"] == {"moodle": 60, "canvas": 3600}[lms.dialect]
    assert claims[f"{LTI}custom"]["scorm_course_id"] == "golf"
    assert claims[f"{LTI}custom"]["link_end"].startswith("$")
    assert claims["given_name"] == "Alice"


def test_state_comes_back_unchanged(lms: Lms) -> None:
    answer = lms.authorize(lms.begin(launch_path(lms)), state="a b+c/=ü")

    assert lms.posted(answer).fields["state"] == "a b+c/=ü"
    assert lms.posted(answer).action == f"{TOOL}/launch"


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": f"{TOOL}/launch?x=1"},
        {"redirect_uri": f"{TOOL}/launch/"},
        {"redirect_uri": "https://tool.example:443/launch"},
        {"redirect_uri": None},
        {"scope": "openid profile"},
        {"response_type": "code"},
        {"nonce": None},
        {"client_id": "another"},
        {"lti_message_hint": "made up"},
    ],
    ids=[
        "redirect with a query",
        "redirect with a slash",
        "redirect with a port",
        "no redirect",
        "another scope",
        "another response type",
        "no nonce",
        "another client id",
        "made-up message hint",
    ],
)
def test_shows_its_own_page_for(lms: Lms, change: dict[str, str | None]) -> None:
    answer = lms.authorize(lms.begin(launch_path(lms)), **change)

    assert answer.status_code == 400
    assert "Invalid request" in answer.text
    assert 'name="id_token"' not in answer.text


@pytest.mark.parametrize(
    ("change", "moodle", "canvas"),
    [
        ({"response_mode": "query"}, "invalid_request", "invalid_request_object"),
        ({"prompt": "login"}, "invalid_request", "invalid_request_object"),
        ({"login_hint": "99"}, "access_denied", "access_denied"),
    ],
    ids=["response mode", "prompt", "login hint"],
)
def test_posts_an_error_for(lms: Lms, change: dict[str, str], moodle: str, canvas: str) -> None:
    form = lms.posted(lms.authorize(lms.begin(launch_path(lms)), **change))

    assert form.fields["error"] == {"moodle": moodle, "canvas": canvas}[lms.dialect]
    assert form.fields["state"] == "state-1"
    assert "id_token" not in form.fields


def test_other_person_than_in_the_session_is_refused(lms: Lms) -> None:
    login = lms.begin(launch_path(lms))
    lms.act_as("ben")

    form = lms.posted(lms.authorize(login))

    expected = {"moodle": "access_denied", "canvas": "login_required"}
    assert form.fields["error"] == expected[lms.dialect]


def test_launch_works_once(lms: Lms) -> None:
    login = lms.begin(launch_path(lms))
    lms.authorize(login)

    again = lms.authorize(login)

    if lms.dialect == "canvas":
        assert lms.posted(again).fields["error"] == "launch_no_longer_valid"
    else:
        assert again.status_code == 400
    assert 'name="id_token"' not in again.text


def test_launch_of_another_tool_is_refused(lms: Lms) -> None:
    login = lms.begin(launch_path(lms))
    other = {"name": "Other", "login_url": f"{TOOL}/l", "redirect_uris": [f"{TOOL}/launch"]}
    found = lms.web.put("/control/tools", json={**other, "jwks_url": f"{TOOL}/j"}).json

    answer = lms.authorize(login, client_id=found["client_id"])

    assert answer.status_code == 400


def test_storage_target_is_offered_by_canvas_alone(lms: Lms) -> None:
    login = lms.begin(launch_path(lms))
    form = lms.posted(lms.authorize(login))

    offered = lms.dialect == "canvas"
    assert ("lti_storage_target" in login) is offered
    assert ("lti_storage_target" in form.fields) is offered


def test_switched_role_has_no_mark(moodle: Lms) -> None:
    path = launch_path(moodle, "ida") + "?as=student"

    claims = moodle.claims(path)

    assert claims[f"{LTI}roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    assert claims["sub"] == moodle.state.people["ida"].sub


@pytest.mark.parametrize("masked", [True, False], ids=["masquerading", "as themselves"])
def test_who_acts_as_another_user_is_told_if_asked(canvas: Lms, masked: bool) -> None:
    variable = "$Canvas.masqueradingUser.id"
    canvas.state.tools[CLIENT].custom = {"actor": variable}
    path = launch_path(canvas) + ("?masquerading=adam" if masked else "")

    claims = canvas.claims(path)

    adam = canvas.state.people["adam"].sub
    assert claims[f"{LTI}custom"]["actor"] == (adam if masked else variable)
    assert claims["sub"] == canvas.state.people["alice"].sub


def test_student_view_is_a_test_user(canvas: Lms) -> None:
    claims = canvas.claims(launch_path(canvas, "test"))

    assert any(role.endswith("person#TestUser") for role in claims[f"{LTI}roles"])


def test_review_names_the_learner(lms: Lms) -> None:
    path = launch_path(lms, "ida").replace("/launch", "/review/alice/launch")

    claims = lms.claims(path)

    assert claims[f"{LTI}message_type"] == "LtiSubmissionReviewRequest"
    assert claims[f"{LTI}for_user"] == {"user_id": lms.state.people["alice"].sub}


@pytest.mark.parametrize(
    ("shape", "moodle", "canvas"),
    [("coupled", "url", "url"), ("none", None, None), ("two", None, "url"), ("empty", "", None)],
    ids=["coupled", "none", "two", "empty"],
)
def test_line_item_claim_has_three_shapes(
    lms: Lms, shape: str, moodle: str | None, canvas: str | None
) -> None:
    claims = lms.claims(launch_path(lms, line_item=shape))

    endpoint = claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]
    expected = {"moodle": moodle, "canvas": canvas}[lms.dialect]
    found = endpoint.get("lineitem")
    assert ("url" if found else found) == expected
