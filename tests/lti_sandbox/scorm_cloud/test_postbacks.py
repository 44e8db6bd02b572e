"""Postbacks: both ways to authenticate, three formats, retries, redirects, lag."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.lti_sandbox.scorm_cloud.practice import Listener, Practice, wait_until


def register(practice: Practice, listener: Listener, **postback: Any) -> None:
    target = {"url": listener.url + "/hook", "userName": "u", "password": "p", **postback}
    practice.register("seat-1", practice.add_course(), postBack=target)


def test_basic_postback_is_the_registration(practice: Practice, listener: Listener) -> None:
    register(practice, listener, authType="HTTPBASIC", resultsFormat="FULL")

    practice.play("seat-1", completion="COMPLETED", success="PASSED", scaled=85.5)

    heard = wait_until(lambda: listener.heard)[0]
    flags = "includeChildResults=true&includeInteractionsAndObjectives=true&includeRuntime=true"
    assert heard.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert heard.headers["Authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
    assert json.loads(heard.body) == practice.api("GET", f"/registrations/seat-1?{flags}").json()


def test_form_postback_carries_fields(practice: Practice, listener: Listener) -> None:
    register(practice, listener, authType="FORM", resultsFormat="COURSE")

    practice.play("seat-1", completion="COMPLETED", scaled=85.5)

    heard = wait_until(lambda: listener.heard)[0]
    form = parse_qs(heard.body.decode())
    assert (form["userName"], form["password"]) == (["u"], ["p"])
    assert "Authorization" not in heard.headers
    assert json.loads(form["data"][0]) == practice.api("GET", "/registrations/seat-1").json()


@pytest.mark.parametrize("answers", [[503, 500, 401], [404]], ids=["5xx and 4xx", "404"])
def test_tries_again_until_accepted(
    practice: Practice, listener: Listener, answers: list[int]
) -> None:
    listener.answers = list(answers)
    register(practice, listener, authType="HTTPBASIC")

    practice.play("seat-1", completion="COMPLETED")

    wait_until(lambda: len(listener.heard) == len(answers) + 1)
    assert len({heard.body for heard in listener.heard}) == 1


def test_redirect_counts_as_delivered(practice: Practice, listener: Listener) -> None:
    listener.answers = [302]
    register(practice, listener, authType="HTTPBASIC")

    practice.play("seat-1", completion="INCOMPLETE")
    practice.play("seat-1", completion="COMPLETED")

    wait_until(lambda: any(b"COMPLETED" in one.body for one in listener.heard))
    assert [heard.path for heard in listener.heard] == ["/hook", "/hook"]


def test_postback_may_come_before_the_result(practice: Practice, listener: Listener) -> None:
    register(practice, listener, authType="HTTPBASIC")
    practice.faults(result_lag_seconds=600, postback_early=True)

    practice.play("seat-1", completion="COMPLETED", scaled=85.5)

    heard = json.loads(wait_until(lambda: listener.heard)[0].body)
    shown = practice.api("GET", "/registrations/seat-1").json()
    assert heard["score"] == {"scaled": 85.5}
    assert "score" not in shown


def test_application_setting_names_the_listener(practice: Practice, listener: Listener) -> None:
    settings = {
        "ApiRollupRegistrationPostBackUrl": listener.url + "/all",
        "ApiRollupRegistrationAuthType": "httpbasic",
    }
    items = [{"settingId": name, "value": value} for name, value in settings.items()]
    practice.api("POST", "/appManagement/configuration", json={"settings": items})
    practice.register("seat-1", practice.add_course())

    practice.play("seat-1", completion="COMPLETED")

    assert wait_until(lambda: listener.heard)[0].path == "/all"


def test_postback_test_tries_once(practice: Practice, listener: Listener) -> None:
    listener.answers = [200, 500]
    target = {"url": listener.url, "authType": "FORM"}

    taken = practice.api("POST", "/registrations/postBackTest", json=target)
    refused = practice.api("POST", "/registrations/postBackTest", json=target)

    assert (taken.status_code, refused.status_code) == (204, 400)
    assert len(listener.heard) == 2
