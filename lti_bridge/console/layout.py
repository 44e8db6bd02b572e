"""The layout of all pages of the console: menu, headers, notices."""

from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, flash, g, url_for

from ..audit.actor import Actor
from ..core.db import reading
from ..problems.find_problems import COUNTS, ProblemCounts
from ..services import current_services
from ..web.pages import render_page, see_other

PROBLEMS = "problem_count"


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    endpoint: str
    label: str
    owners_only: bool = False


MENU = (
    Entry("dashboard.overview", "Overview"),
    Entry("problems.list_all", "Problems"),
    Entry("dashboard.activities", "Activities"),
    Entry("courses.list_all", "Courses"),
    Entry("learners.search", "Learners"),
    Entry("platform_pages.list_all", "Platforms"),
    Entry("accounts.list_all", "Accounts", owners_only=True),
    Entry("keys.list_all", "Keys", owners_only=True),
    Entry("people.show_people", "People", owners_only=True),
    Entry("alerts.list_all", "Alerts", owners_only=True),
    Entry("audit.show_log", "Audit log"),
    Entry("guide.steps", "Guide", owners_only=True),
)


def count_problems(actor: Actor) -> None:
    """Count the problems for the menu, before the page is rendered."""
    services = current_services()
    counts: ProblemCounts = current_app.extensions[COUNTS]
    with reading():
        setattr(g, PROBLEMS, counts.count(services, actor.scope))


def show(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a page of the console, which no other site may frame."""
    actor: Actor | None = g.get("actor")
    menu = [one for one in MENU if actor and (actor.is_owner or not one.owners_only)]
    return render_page(
        template,
        status=status,
        frame_origins=(),
        actor=actor,
        menu=menu,
        problem_count=g.get(PROBLEMS, 0),
        csrf_token=csrf_token,
        **values,
    )


def go(endpoint: str, notice: str = "", *, tone: str = "good", **values: Any) -> Response:
    """Redirect after a POST, with a notice that the next page shows once.

    `tone` is good, wait or bad.
    """
    if notice:
        flash(notice, tone)
    return see_other(url_for(endpoint, **values))


def csrf_token() -> str:
    """Return the token that the forms of this browser's session carry.

    Flask-WTF loads Babel, so it is imported with the first form.
    """
    from flask_wtf.csrf import generate_csrf

    return str(generate_csrf())
