"""Search of an account's courses by title or id, page by page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import Refused
from ..scorm_cloud.client import ScormCloudClient
from ..scorm_cloud.courses import Course, CoursePage

LONGEST_SEARCH = 100
MOST_PAGES = 500
# One page combines two lists that are read in parallel: by id and by title.
Place = tuple[str, str]
START: Place = ("", "")


@dataclass(frozen=True)
class CourseList:
    """One page of results, with the positions of its neighbours.

    `trail` holds the page tokens up to this page; `following` is None on the last page.
    """

    text: str
    courses: tuple[Course, ...]
    trail: tuple[Place, ...] = (START,)
    following: Place | None = None
    total: int | None = None

    @property
    def number(self) -> int:
        """The page number, from 1."""
        return len(self.trail)

    @property
    def next_trail(self) -> str:
        """The trail of the next page, "" on the last one."""
        return write_trail([*self.trail, self.following]) if self.following else ""

    @property
    def previous_trail(self) -> str:
        """The trail of the previous page, "" on the first one."""
        return write_trail(self.trail[:-1]) if len(self.trail) > 1 else ""


def find_courses(
    client: ScormCloudClient,
    text: str,
    trail: Sequence[Place],
    *,
    counted: bool = False,
    deadline_seconds: float,
) -> CourseList:
    """Return the page at the end of `trail`; an empty `text` lists all courses, newest first.

    `counted` adds each course's number of registrations.

    SCORM Cloud searches one field at a time, so there are two queries; duplicates on a page are
    removed. Raises Unavailable or Refused.
    """
    text = " ".join(text.split())[:LONGEST_SEARCH]
    trail = tuple(trail) or (START,)
    by_id, by_title = trail[-1]
    first = trail[-1] == START
    ids = titles = CoursePage(())
    if by_id or first:
        ids = client.find_courses(
            text, more=by_id, counted=counted, deadline_seconds=deadline_seconds
        )
    if text and (by_title or first):
        titles = _find_titles(client, text, by_title, counted, deadline_seconds)
    courses = {course.id: course for course in (*titles.courses, *ids.courses)}
    following = (ids.more, titles.more) if ids.more or titles.more else None
    return CourseList(text, tuple(courses.values()), trail, following, None if text else ids.total)


def _find_titles(
    client: ScormCloudClient, text: str, more: str, counted: bool, deadline_seconds: float
) -> CoursePage:
    try:
        return client.find_courses(
            text, by="title", more=more, counted=counted, deadline_seconds=deadline_seconds
        )
    except Refused as error:
        # The values of filterBy are not documented; a refused search by title is skipped.
        if error.code != "bad_request":
            raise
        return CoursePage(())


def write_trail(trail: Sequence[Place]) -> str:
    """Return a trail as the value of a form field."""
    return json.dumps(trail, separators=(",", ":"))


def read_trail(text: str) -> tuple[Place, ...]:
    """Parse a form field; an invalid one means the first page."""
    try:
        places: Any = json.loads(text)
    except (ValueError, RecursionError):
        return (START,)
    if not isinstance(places, list) or not 0 < len(places) <= MOST_PAGES:
        return (START,)
    if not all(_is_place(place) for place in places):
        return (START,)
    return tuple((place[0], place[1]) for place in places)


def _is_place(place: Any) -> bool:
    return isinstance(place, list) and len(place) == 2 and all(isinstance(p, str) for p in place)
