"""When the door tries again, when it gives up, and what it says then."""

import io
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from lti_bridge.core.errors import NotFound, Refused, Unavailable
from lti_bridge.core.http.session import Outbound
from lti_bridge.scorm_cloud.client import LearnerValues, PostBack, ScormCloudClient
from lti_bridge.scorm_cloud.transport import read_json
from tests.practice_cloud import Answer, CarryOn, LoseAnswer, PracticeCloud

ALICE = LearnerValues("learner-1")


class FailFirst:
    """Disturbs the first requests and lets the rest through."""

    def __init__(self, failure: Exception, times: int = 1) -> None:
        self.failure = failure
        self.left = times
        self.seen = 0

    def __call__(self, method: str, path: str, carry_on: CarryOn) -> None:
        self.seen += 1
        if self.left:
            self.left -= 1
            raise self.failure


@pytest.mark.parametrize(
    "failure",
    [
        Answer("503 Down"),
        Answer("500 Oops", {"error": "x"}),
        Answer("429 Slow down", **{"Retry-After": "0"}),
        LoseAnswer(),
    ],
    ids=["503", "500", "429", "no answer"],
)
def test_safe_calls_are_tried_again(cloud: PracticeCloud, failure: Exception) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)
    calls = {
        "ping": lambda: cloud.client.ping(),
        "HEAD": lambda: cloud.client.registration_exists("seat-1"),
        "launch link": lambda: cloud.client.build_launch_link("seat-1", "http://b.example/"),
    }

    for name, call in calls.items():
        cloud.disturb = fails = FailFirst(failure)
        call()

        assert fails.seen == 2, name


@pytest.mark.parametrize(
    "failure, unknown",
    [
        (Answer("503 Down"), True),
        (LoseAnswer(), True),
        (Answer("429 Slow down"), False),
    ],
    ids=["503", "no answer", "429"],
)
def test_creating_is_never_repeated(
    cloud: PracticeCloud, failure: Exception, unknown: bool
) -> None:
    cloud.add_course()
    cloud.disturb = fails = FailFirst(failure)

    with pytest.raises(Unavailable) as unavailable:
        cloud.client.create_registration("seat-1", "golf", ALICE, None)

    assert fails.seen == 1
    assert unavailable.value.effect_unknown is unknown


@pytest.mark.parametrize("call", ["upload", "delete", "test"])
def test_other_changes_are_not_repeated(cloud: PracticeCloud, call: str) -> None:
    calls = {
        "upload": lambda: cloud.client.upload_course(io.BytesIO(b"x" * 9), "a.zip", "a"),
        "delete": lambda: cloud.client.delete_progress("seat-1"),
        "test": lambda: cloud.client.test_postback(PostBack("http://x.example/", "u", "p")),
    }
    cloud.disturb = fails = FailFirst(Answer("503 Down"), times=9)

    with pytest.raises(Unavailable):
        calls[call]()

    assert fails.seen == 1


def test_tries_again_after_a_wait_that_fits(cloud: PracticeCloud) -> None:
    cloud.disturb = fails = FailFirst(Answer("429 Slow down", **{"Retry-After": "1"}))

    cloud.client.ping(deadline_seconds=10)

    assert fails.seen == 2


def test_understands_a_date_to_wait_for(cloud: PracticeCloud) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    cloud.disturb = FailFirst(Answer("503 Down", **{"Retry-After": later}), times=99)

    with pytest.raises(Unavailable) as unavailable:
        cloud.client.ping()

    assert unavailable.value.retry_after == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    "value", ["soon", "", "-3", "٣"], ids=["text", "empty", "negative", "arabic digit"]
)
def test_odd_retry_after_is_none(cloud: PracticeCloud, value: str) -> None:
    wire_value = value.encode().decode("latin-1")
    cloud.disturb = FailFirst(Answer("503 Down", **{"Retry-After": wire_value}), times=99)

    with pytest.raises(Unavailable) as unavailable:
        cloud.client.ping(deadline_seconds=0.3)

    assert unavailable.value.retry_after is None


def test_gives_up_when_the_wait_is_too_long(cloud: PracticeCloud) -> None:
    cloud.faults(error_status=429, retry_after=120)

    with pytest.raises(Unavailable) as unavailable:
        cloud.client.ping(deadline_seconds=5)

    assert unavailable.value.retry_after == 120
    assert len(cloud.asked) == 1


def test_gives_up_at_the_deadline(cloud: PracticeCloud) -> None:
    cloud.faults(error_status=503)

    with pytest.raises(Unavailable):
        cloud.client.ping(deadline_seconds=1)

    assert len(cloud.asked) >= 2


def test_slow_answers_are_unavailable(cloud: PracticeCloud) -> None:
    cloud.faults(latency_ms=1000)

    with pytest.raises(Unavailable) as unavailable:
        cloud.client.create_registration("a", "golf", ALICE, None, deadline_seconds=0.2)

    assert unavailable.value.effect_unknown is True
    cloud.faults()


def test_refused_connection_has_no_effect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = ScormCloudClient(
        f"http://127.0.0.1:{port}/api/v2", "a", "s", Outbound(allow_private_networks=True)
    )

    with pytest.raises(Unavailable) as unavailable:
        client.create_registration("a", "golf", ALICE, None, deadline_seconds=2)

    assert unavailable.value.effect_unknown is False


@pytest.mark.parametrize(
    "status, code",
    [
        ("400 Bad", "bad_request"),
        ("401 Who", "credentials"),
        ("403 No", "credentials"),
        ("404 None", "not_found"),
        ("409 Exists", "already_exists"),
        ("402 Pay", "bad_request"),
        ("413 Large", "too_large"),
    ],
    ids=["400", "401", "403", "404", "409", "402", "413"],
)
def test_refusals_are_known_by_status(cloud: PracticeCloud, status: str, code: str) -> None:
    cloud.disturb = FailFirst(Answer(status, {"message": "words   that\nmean nothing"}), times=99)

    with pytest.raises(Refused) as refused:
        cloud.client.create_registration("seat-1", "golf", ALICE, None)

    assert refused.value.code == code
    assert refused.value.explanation == "words that mean nothing"


def test_page_of_a_proxy_explains_nothing(cloud: PracticeCloud) -> None:
    answer = Answer("413 Request Entity Too Large")
    answer.body = b"<html><title>413</title><hr><center>nginx</center></html>"
    cloud.disturb = FailFirst(answer, times=99)

    with pytest.raises(Refused) as refused:
        cloud.client.upload_course(io.BytesIO(b"x"), "a.zip", "a")

    assert (refused.value.code, refused.value.explanation) == ("too_large", "")
    assert "takes no request of this size (413)" in str(refused.value)


@pytest.mark.parametrize("body", ["a text", ["a list"], None], ids=["text", "list", "none"])
def test_answers_of_another_shape_are_unavailable(cloud: PracticeCloud, body: object) -> None:
    cloud.disturb = FailFirst(Answer("200 OK", body), times=99)

    with pytest.raises(Unavailable):
        cloud.client.get_registration("seat-1")


def test_link_without_address_is_refused(cloud: PracticeCloud) -> None:
    cloud.disturb = FailFirst(Answer("200 OK", {"launchLink": "javascript:alert(1)"}), times=99)

    with pytest.raises(Refused):
        cloud.client.build_launch_link("seat-1", "http://b.example/")


def test_waits_for_a_place_within_its_deadline(cloud: PracticeCloud) -> None:
    client = cloud.make_client(parallel_calls=1)
    inside, leave = threading.Event(), threading.Event()

    def hold(method: str, path: str, carry_on: CarryOn) -> None:
        inside.set()
        leave.wait(10)

    cloud.disturb = hold
    first = threading.Thread(target=client.ping)
    first.start()
    inside.wait(5)
    with pytest.raises(Unavailable) as unavailable:
        client.create_registration("a", "golf", ALICE, None, deadline_seconds=0.1)
    leave.set()
    first.join(10)

    assert unavailable.value.effect_unknown is False
    assert len(cloud.asked) == 1


@pytest.mark.parametrize("course_id", ["", ".", ".."], ids=["empty", "dot", "two dots"])
def test_id_cannot_climb_out_of_its_place(cloud, course_id):
    with pytest.raises(NotFound):
        cloud.client.get_course(course_id)

    assert cloud.asked == []


def test_byte_order_mark_is_read() -> None:
    answer = requests.Response()
    answer._content, answer.encoding = b'\xef\xbb\xbf{"id": "golf"}', "utf-8"

    assert read_json(answer) == {"id": "golf"}
