"""A list of an LMS is read whole or not at all, whatever its pages point at."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from lti_bridge.core.errors import NotReadWhole
from lti_bridge.core.http.session import Outbound
from lti_bridge.lti import paging
from lti_bridge.lti.gradebook import Gradebook
from lti_bridge.lti.memberships import Memberships
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import SigningKey
from tests.conftest import FakeClock
from tests.mini_platform import Asked, MiniPlatform, Reply, rsa_key

PATH = "/list"
Read = Callable[[], list[str]]


def number_of(asked: Asked) -> int:
    return int(parse_qs(asked.query).get("page", ["1"])[0])


class Lists:
    """One reader for each kind of list; all pages are at one path, `?page=2` and so on."""

    def __init__(self, platform: MiniPlatform, outbound: Outbound, clock: FakeClock) -> None:
        self.platform, self.values = platform, platform.values()
        tokens = AccessTokens(outbound, clock, lambda: SigningKey("k", rsa_key("tool")))
        self.gradebook, self.memberships = (
            Gradebook(outbound, tokens),
            Memberships(outbound, tokens),
        )
        self.url = platform.url + PATH
        self.as_roster = False

    def line_items(self) -> list[str]:
        return self.gradebook.find_line_items(self.values, self.url, "2", 5)

    def results(self) -> list[str]:
        return list(self.gradebook.read_results(self.values, self.url, 5))

    def result(self) -> list[str]:
        found = self.gradebook.read_results_of(self.values, self.url, "user-1", 5)
        return [result.user_id for result in found]

    def roster(self) -> list[str]:
        members = self.memberships.read_roster(self.values, self.url, deadline_seconds=5)
        return [member.sub for member in members]

    def serve(self, follow: Callable[[int], str | None], shows: Callable[[int], int] = int) -> None:
        """Let page n name as next what `follow` returns, None: it is the last.

        It holds the entry whose number `shows` returns, 0: none.
        """

        def answer(asked: Asked) -> Reply:
            number = number_of(asked)
            following = follow(number)
            link = {} if following is None else {"Link": f'<{following}>; rel="next"'}
            return Reply(200, self.page(shows(number)), link)

        for path in (PATH, f"{PATH}/results"):
            self.platform.routes["GET", path] = answer

    def page(self, number: int) -> Any:
        """Return a page with one entry that fits every reader, or with none."""
        one = {
            "id": f"item-{number}",
            "resourceLinkId": "2",
            "userId": f"user-{number}",
            "user_id": f"user-{number}",
            "resultScore": number,
        }
        entries = [one] if number else []
        return {"members": entries} if self.as_roster else entries

    def asked(self) -> int:
        return sum(asked.path.startswith(PATH) for asked in self.platform.asked)


@pytest.fixture
def lists(platform: MiniPlatform, outbound: Outbound, clock: FakeClock) -> Lists:
    return Lists(platform, outbound, clock)


@pytest.fixture(params=["line_items", "results", "result", "roster"])
def read(lists: Lists, request: pytest.FixtureRequest) -> Read:
    lists.as_roster = request.param == "roster"
    reader: Read = getattr(lists, request.param)
    return reader


def test_every_page_is_read(lists: Lists, read: Read) -> None:
    lists.serve(lambda number: f"?page={number + 1}" if number < 3 else None)

    assert read()
    assert lists.asked() == 3


@pytest.mark.parametrize(
    ("follow", "asked"),
    [
        (lambda number: f"?page={number}#again", 2),
        (lambda number: f"?page={number % 3 + 1}", 4),
        (lambda number: f"?page={max(2, number)}", 2),
        (lambda number: "https://elsewhere.example/more", 1),
        (lambda number: "//elsewhere.example/more", 1),
        (lambda number: "http://[", 1),
        (lambda number: "file:///etc/passwd", 1),
    ],
    ids=["itself", "ring", "page before", "origin", "host", "no address", "scheme"],
)
def test_pages_that_lead_nowhere(
    lists: Lists, read: Read, follow: Callable[[int], str], asked: int
) -> None:
    lists.serve(follow)

    with pytest.raises(NotReadWhole):
        read()
    assert lists.asked() == asked


@pytest.mark.parametrize("pages", [3, 4], ids=["longest", "too long"])
def test_longest_list_has_an_end(
    lists: Lists, read: Read, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    lists.serve(lambda number: f"?page={number + 1}" if number < pages else None)

    if pages == 3:
        assert read()
    else:
        with pytest.raises(NotReadWhole):
            read()
    assert lists.asked() == 3


def test_equal_page_is_no_new_one(lists: Lists, read: Read) -> None:
    """A platform that ignores the page's number sends its first page forever."""
    lists.serve(lambda number: f"?page={number + 1}" if number < 3 else None, shows=lambda _: 1)

    with pytest.raises(NotReadWhole):
        read()
    assert lists.asked() == 2


def test_empty_pages_repeat_no_entry(lists: Lists) -> None:
    """A platform that filters after it has cut pages sends empty ones."""
    lists.serve(lambda number: f"?page={number + 1}" if number < 4 else None, shows=lambda _: 0)

    assert lists.line_items() == []
    assert lists.asked() == 4


def test_other_port_gets_no_token(lists: Lists, read: Read) -> None:
    port = lists.platform.url.rpartition(":")[2]
    lists.serve(lambda number: f"http://localhost:{port}{PATH}?page={number + 1}")

    with pytest.raises(NotReadWhole):
        read()
    assert lists.asked() == 1


@pytest.mark.parametrize(
    "link",
    ["", "next", "<>; rel=next", '</more>; rel="previous"', "<a"],
    ids=["empty", "no link", "no address", "previous", "broken link"],
)
def test_last_page_names_no_next(lists: Lists, read: Read, link: str) -> None:
    body = lists.page(1)
    for path in (PATH, f"{PATH}/results"):
        lists.platform.routes["GET", path] = Reply(200, body, {"Link": link})

    assert read()
    assert lists.asked() == 1
