"""Search over two lists, and pages of both."""

from typing import Any

import pytest

from lti_bridge.core.errors import Refused, Unavailable
from lti_bridge.courses.search import START, find_courses, read_trail, write_trail
from lti_bridge.scorm_cloud.courses import Course, CoursePage


def course(name: str) -> Course:
    return Course(name, name.title(), 0, "SCORM12", None)


class Shelf:
    """Answers like SCORM Cloud: by (field, more); notes what was asked."""

    def __init__(self, **pages: Any) -> None:
        self.pages = pages
        self.asked: list[tuple[str, str, str]] = []

    def find_courses(
        self,
        text: str = "",
        *,
        by: str = "course_id",
        more: str = "",
        counted: bool = False,
        deadline_seconds: float = 0,
    ) -> CoursePage:
        self.asked.append((text, by, more))
        page = self.pages[more or by]
        if isinstance(page, Exception):
            raise page
        assert isinstance(page, CoursePage)
        return page


def look(shelf: Any, text: str, trail: Any = ()) -> Any:
    return find_courses(shelf, text, trail, deadline_seconds=5)


def test_whole_list_is_asked_once():
    shelf = Shelf(course_id=CoursePage((course("golf"),), "next", 11))

    listed = look(shelf, "   ")

    assert shelf.asked == [("", "course_id", "")]
    assert (listed.total, listed.following) == (11, ("next", ""))


def test_search_shows_a_double_find_once():
    shelf = Shelf(
        course_id=CoursePage((course("golf"), course("golf-2")), "", 2),
        title=CoursePage((course("golf"), course("x")), "more", 12),
    )

    listed = look(shelf, " golf ")

    assert [found.id for found in listed.courses] == ["golf", "x", "golf-2"]
    assert (listed.text, listed.total, listed.following) == ("golf", None, ("", "more"))


def test_list_that_has_ended_is_not_begun_anew():
    shelf = Shelf(more=CoursePage((course("last"),)))

    listed = look(shelf, "golf", [START, ("", "more")])

    assert shelf.asked == [("golf", "title", "more")]
    assert (listed.number, listed.following, listed.next_trail) == (2, None, "")
    assert read_trail(listed.previous_trail) == (START,)


def test_account_that_cannot_filter_titles_still_finds_ids():
    shelf = Shelf(course_id=CoursePage((course("golf"),)), title=Refused("no", code="bad_request"))

    assert [found.id for found in look(shelf, "golf").courses] == ["golf"]


@pytest.mark.parametrize(
    "error",
    [Refused("no", code="credentials"), Unavailable("down")],
    ids=["wrong credentials", "unavailable"],
)
def test_other_failures_are_told(error):
    shelf = Shelf(course_id=CoursePage(()), title=error)

    with pytest.raises(type(error)):
        look(shelf, "golf")


def test_trail_survives_a_form():
    trail = (START, ('a"b', "<&>"))

    assert read_trail(write_trail(trail)) == trail


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "[1]", '[["a"]]', '[["a",1]]', "[" * 10_000, '[["",""]]' * 2],
    ids=[
        "empty",
        "object",
        "empty list",
        "number",
        "step of one",
        "number in a step",
        "deeply nested",
        "two lists",
    ],
)
def test_odd_trail_is_the_start(text):
    assert read_trail(text) == (START,)
