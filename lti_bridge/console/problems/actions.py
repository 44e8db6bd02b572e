"""The action that the console offers for each problem."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import current_app, url_for
from sqlalchemy import delete, select

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...core.errors import Refused
from ...core.plain_text import counted
from ...ops.kept_checks import OK
from ...ops.models import NodeProcess
from ...passback.actions.by_hand import note, resend_all, retry_all
from ...platforms.models import Platform
from ...problems.causes import BY_PERSON, UNREACHED
from ...problems.find_problems import find_problems
from ...problems.launch_problems import forget_refusals
from ...problems.outages import NOTES, write_outages
from ...problems.problem import Problem, ProblemKind
from ...problems.stuck_grades import find_stuck
from ...registrations.platform_pause import probe_now
from ...services import Services
from ..checks.run import run_check

OVER = "This problem is over, or it has changed: the page shows what is there now."
GRADES = (ProblemKind.WAITING, ProblemKind.PARKED, ProblemKind.NO_COLUMN)
TESTED = (ProblemKind.SCORM_CLOUD, ProblemKind.SWEEP, ProblemKind.SELF_TEST)


@dataclass(frozen=True)
class Button:
    """A button: an action that its form posts, or a URL that it links to."""

    label: str
    address: str = ""


@dataclass(frozen=True)
class NamedActivity:
    """An activity that a problem names, with the URL of its most relevant page."""

    title: str
    address: str


def button_of(problem: Problem, places: Mapping[tuple[ProblemKind, int], NamedActivity]) -> Button:
    """Return the most helpful action for a problem, whose activities are in `places`."""
    if problem.kind in GRADES:
        return Button(f"Try {counted(problem.learners or 0, 'grade')} again")
    if problem.kind in TESTED:
        return Button("Test again")
    if problem.kind is ProblemKind.SILENT:
        return Button("Forget it")
    if problem.kind is ProblemKind.REFUSED_LAUNCH:
        return Button("Look at them", url_for("problems.refused", code=problem.cause))
    if problem.kind is ProblemKind.GRADES_GONE:
        return Button("Open the gradebook", places[problem.kind, problem.activities[0][0]].address)
    return Button(*_link(problem))


def _link(problem: Problem) -> tuple[str, str]:
    if problem.kind in (ProblemKind.PENDING, ProblemKind.GRANTS):
        return "Open the platform", url_for("platform_pages.one", platform_id=problem.row_id)
    if problem.kind is ProblemKind.CONSOLE_WISH:
        return "Answer them", url_for("people.show_people")
    if problem.kind is ProblemKind.OLD_KEY:
        return "Rotate it", url_for("keys.list_all")
    return "Look at the processes", url_for("dashboard.overview", _anchor="processes")


def act(services: Services, actor: Actor, key: str) -> str:
    """Carry out the action for a problem by its key; returns the notice. Commits.

    Raises Refused when the problem has ended or is outside of the user's scope.
    """
    with reading():
        found = find_problems(services, actor.scope)
    problem = next((one for one in found if one.key == key), None)
    doing = _DOING.get(problem.kind) if problem is not None else None
    if problem is None or doing is None:
        raise Refused(OVER)
    return doing(services, actor, problem)


def _try_again(services: Services, actor: Actor, problem: Problem) -> str:
    with reading():
        same = (problem.kind, problem.cause, problem.platform_id)
        stuck = [
            one
            for one in find_stuck(actor.scope)
            if (one.kind, one.cause.key, one.platform_id) == same
        ]
    grades = sorted({one.grade_id for one in stuck})
    if not grades:
        raise Refused(OVER)
    said = f"tried {counted(len(grades), 'grade')} again: {problem.what}"
    subject, now = problem.subject, services.now()
    record(actor, "resend", subject, said, now=now, platform_id=problem.platform_id)
    who = f"The {actor.role} {actor.name}"
    if problem.cause in UNREACHED and problem.platform_id is not None:
        note(services, grades[0], "steer", f"{who} asked to try the scores again.")
        if not probe_now(services, problem.platform_id, grades[0]):
            return "The LMS asks for fewer requests: they are sent when its pause ends."
        return "One grade finds out whether the LMS is back; then the others go, too."
    do = resend_all if problem.cause in BY_PERSON else retry_all
    do(services, grades, who)
    pace = "" if len(grades) < 100 else " They go at the pace that the LMS allows."
    return f"{counted(len(grades), 'grade')} will be tried again within seconds.{pace}"


def _test_again(services: Services, actor: Actor, problem: Problem) -> str:
    if not actor.is_owner and not actor.scope.covers(problem.platform_id):
        raise Refused(OVER)
    mark = run_check(services, actor, problem.subject)
    # So that the next page includes the outcome of the test's calls.
    write_outages(services, current_app.extensions[NOTES])
    if mark == OK:
        return "Everything is in order now."
    return "Something is still wrong, or worth a look."


def _forget_process(services: Services, actor: Actor, problem: Problem) -> str:
    db.session.execute(delete(NodeProcess).where(NodeProcess.id == problem.row_id))
    record(actor, "forget", problem.subject, problem.what, now=services.now())
    db.session.commit()
    return "It is forgotten. If it still runs, it is back within half a minute."


def forget(services: Services, actor: Actor, code: str, platform_id: int | None) -> str:
    """Delete the rows of launches refused for one reason, which has ended. Commits."""
    platforms = list(db.session.scalars(select(Platform)))
    platform = next((one for one in platforms if one.id == platform_id), None)
    if not actor.is_owner and not actor.scope.covers(platform_id):
        raise Refused(OVER)
    count = forget_refusals(code, platform, platforms)
    said = f"cleared the refused launches of code {code}"
    record(actor, "forget", "launches", said, now=services.now(), platform_id=platform_id)
    db.session.commit()
    return f"{counted(count, 'entry', 'entries')} cleared. What is refused from now on is new."


_Doing = Callable[[Services, Actor, Problem], str]
_DOING: dict[ProblemKind, _Doing] = {
    **dict.fromkeys(GRADES, _try_again),
    **dict.fromkeys(TESTED, _test_again),
    ProblemKind.SILENT: _forget_process,
}
