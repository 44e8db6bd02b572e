"""The same launch at the same moment on several nodes: exactly one gets through."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select

from lti_bridge.core.db import db
from lti_bridge.lti.models import UsedNonce
from lti_bridge.registrations.models import Launch, Registration
from tests.conftest import make_settings
from tests.html import Form
from tests.ports import free_port
from tests.story.nodes import Nodes, make_nodes
from tests.story.stage import Person, close_stage, open_stage

pytestmark = pytest.mark.deep("starts whole nodes")

TIMES = 10


@pytest.fixture
def nodes(database_url: str, tmp_path: Path) -> Iterator[Nodes]:
    stage = open_stage(make_settings(database_url, tmp_path), "moodle", in_process=False)
    nodes = make_nodes(stage, tmp_path / "nodes.log")
    yield nodes
    nodes.stop()
    close_stage(stage)


def post_everywhere(person: Person, form: Form, urls: list[str]) -> list[requests.Response]:
    """Post one launch to several addresses at the same moment, from one browser."""
    start = threading.Barrier(len(urls))
    cookies = person.browser.cookies.get_dict()

    def post(url: str) -> requests.Response:
        start.wait()
        return requests.post(
            f"{url}/lti/launch", form.fields, cookies=cookies, allow_redirects=False, timeout=30
        )

    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(post, urls))


def assert_launches_once(nodes: Nodes, urls: list[str]) -> None:
    """Of each launch posted to all addresses one opens the player, the others are replays."""
    stage = nodes.stage
    activity, alice = stage.activities["Fire safety"], stage.person("alice")

    for _ in range(TIMES):
        answers = post_everywhere(alice, alice.launch_form(activity), urls)

        opened = [answer for answer in answers if answer.status_code == 303]
        refused = [answer for answer in answers if answer.status_code == 400]
        assert (len(opened), len(refused)) == (1, len(urls) - 1), [a.text for a in answers]
        assert opened[0].headers["Location"].startswith(stage.cloud.url)
        codes = [re.findall(r"Code <code>(\w+)</code>", answer.text) for answer in refused]
        assert codes == [["replayed"]] * len(refused)

    assert counts(nodes) == [TIMES, TIMES, 1]
    (registration,) = stage.cloud_registrations()
    assert stage.registration(registration)["posts"] == {"accepted": 1, "refused": 0}


def counts(nodes: Nodes) -> list[int]:
    with nodes.stage.app.app_context():
        models = (Launch, UsedNonce, Registration)
        found = [db.session.scalar(select(func.count()).select_from(model)) for model in models]
        db.session.rollback()
    return found


def test_same_launch_on_two_nodes(nodes: Nodes) -> None:
    first = nodes.stage.services.settings.public_url
    second = free_port()
    nodes.start_node(urlsplit(first).port or 0)
    nodes.start_node(second)

    assert_launches_once(nodes, [first, f"http://127.0.0.1:{second}"])


def test_same_launch_on_two_workers_of_a_node(nodes: Nodes) -> None:
    url = nodes.stage.services.settings.public_url
    nodes.start_node(urlsplit(url).port or 0, workers=2)

    assert_launches_once(nodes, [url] * 6)
