"""Whatever breaks is on the page within a minute, reaches a person once, and goes when it works."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, update

from lti_bridge.audit.actor import Actor, Role, Scope
from lti_bridge.console.checks.run import run_check
from lti_bridge.console.problems.actions import act
from lti_bridge.core.db import db, reading
from lti_bridge.ops import processes
from lti_bridge.ops.processes import WEB, WORKER, Heartbeat
from lti_bridge.passback.actions.comparison import find_losses, send_lost_again
from lti_bridge.passback.triggers.reconcile import reconcile_due
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.models import Platform, ScormAccount
from lti_bridge.platforms.registry import add_platform
from lti_bridge.problems.alerts.deliver import deliver_due
from lti_bridge.problems.alerts.evaluate import evaluate
from lti_bridge.problems.find_problems import find_problems
from lti_bridge.problems.note_writer import write_notes
from lti_bridge.problems.problem import Problem
from lti_bridge.services import Services
from tests.mini_platform import Asked, MiniPlatform, Reply
from tests.problems.alerts.inbox import Inbox, open_inbox
from tests.problems.alerts.makers import add_hook, add_mailbox
from tests.story.town import Town

OWNER = Actor(Role.OWNER, "olga", 1, Scope())
STEP_SECONDS = 10


class Bridge:
    """The bridge's processes beside the town: they beat, look, and write down what they saw."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.worker_runs = True
        self.beats = {kind: Heartbeat(self.services, kind) for kind in (WEB, WORKER)}

    @property
    def services(self) -> Services:
        services: Services = self.town.app.extensions["lti_bridge"]
        return services

    def run(self, seconds: float, step: float = STEP_SECONDS) -> None:
        """Let time pass, with everything that processes do by the clock."""
        town = self.town
        for _ in range(int(seconds / step)):
            town.clock.advance(step)
            town.do(self.beats[WEB].beat)
            if self.worker_runs:
                for work in (self.beats[WORKER].beat, town.sweep, town.recheck):
                    town.do(work)
                town.do(town.round)
                town.do(town.work)
            town.do(lambda: write_notes(town.app))
            town.do(lambda: evaluate(self.services))
            town.do(lambda: deliver_due(self.services))

    def problems(self) -> list[Problem]:
        def find() -> list[Problem]:
            with reading():
                return find_problems(self.services, Scope())

        found: list[Problem] = self.town.do(find)
        return found

    def press(self, problem: Problem) -> None:
        """Press the problem's button, as an owner at the console does."""
        self.town.do(lambda: act(self.services, OWNER, problem.key))


@pytest.fixture
def bridge(town: Town) -> Bridge:
    return Bridge(town)


@pytest.fixture
def activity(bridge: Bridge) -> str:
    activity = bridge.town.begin()
    bridge.run(20)
    assert [one for one in bridge.problems() if one.serious] == []
    return activity


class People:
    """Who is told: by a webhook whose server fails twice first, and by e-mail."""

    def __init__(self, hook: MiniPlatform, inbox: Inbox) -> None:
        self.hook, self.inbox = hook, inbox
        self._failures = [Reply(503), Reply(500)]
        hook.routes[("POST", "/hook")] = self._answer

    def _answer(self, _asked: Asked) -> Reply:
        return self._failures.pop() if self._failures else Reply(204)

    def told(self) -> list[tuple[str, str]]:
        """Return the event and the problem of each delivery by webhook that arrived."""
        arrived = {
            asked.headers["x-lti-bridge-delivery"]: json.loads(asked.body)
            for asked in self.hook.requests_to("/hook")
        }
        return [(one["event"], one["problem"]["what"]) for one in arrived.values()]

    def subjects(self) -> list[str]:
        return [" ".join(str(one["Subject"]).split()) for one in self.inbox.messages]


@pytest.fixture
def people(bridge: Bridge, activity: str) -> Iterator[People]:
    hook = MiniPlatform()
    with open_inbox() as inbox:
        bridge.town.do(lambda: add_hook(bridge.services, f"{hook.url}/hook"))
        bridge.town.do(lambda: add_mailbox(bridge.services, inbox.port))
        yield People(hook, inbox)
    hook.stop()


@dataclass(frozen=True)
class Breakage:
    """Something breaks, what the page says of it, and how it is put right."""

    name: str
    what: str
    breaks: Callable[[Bridge, str], None]
    repairs: Callable[[Bridge, str], None]
    learners: int | None = None
    # A person presses the button, or nothing has to be pressed.
    presses: bool = False


def _account(**values: Any) -> Callable[[Bridge, str], None]:
    def change(bridge: Bridge, _: str) -> None:
        def write() -> None:
            db.session.execute(update(ScormAccount).values(values))
            db.session.commit()

        bridge.town.do(write)

    return change


def _cloud(**faults: Any) -> Callable[[Bridge, str], None]:
    def change(bridge: Bridge, _: str) -> None:
        bridge.town.ask(bridge.town.cloud, "PUT", "/control/faults", json=faults)

    return change


def _lms(**faults: Any) -> Callable[[Bridge, str], None]:
    def change(bridge: Bridge, activity: str) -> None:
        bridge.town.control("PUT", "faults", faults)
        if faults:
            bridge.town.learn(activity, 80)

    return change


def _course(learns: bool = False, **values: Any) -> Callable[[Bridge, str], None]:
    def change(bridge: Bridge, activity: str) -> None:
        town = bridge.town
        if not learns:
            town.control("PUT", "course", values)
            return
        address = town.do(lambda: town.click(activity))
        exit_url = town.finish(address, 80)
        town.control("PUT", "course", values)
        town.do(lambda: town.visit(exit_url))
        town.do(town.work)

    return change


def _forget_tool(bridge: Bridge, activity: str) -> None:
    town = bridge.town
    address = town.do(lambda: town.click(activity))
    exit_url = town.finish(address, 80)
    tools = town.lms.extensions["practice_lms"].tools
    town.app.extensions["kept_tools"] = dict(tools)
    tools.clear()
    town.do(lambda: town.visit(exit_url))
    town.do(town.work)


def _know_tool(bridge: Bridge, _: str) -> None:
    town = bridge.town
    town.lms.extensions["practice_lms"].tools.update(town.app.extensions["kept_tools"])


def _delete_column(bridge: Bridge, activity: str) -> None:
    bridge.town.learn(activity, 60)
    bridge.town.control("DELETE", f"line-items/{activity}")
    bridge.town.clock.advance(60)
    bridge.town.learn(activity, 80)


def _restore_column(bridge: Bridge, activity: str) -> None:
    bridge.town.control("POST", f"line-items/{activity}/restore")


def _reset_course(bridge: Bridge, activity: str) -> None:
    town = bridge.town
    for person in ("alice", "ben"):
        town.learn(activity, 80, person=person)
    for person in ("alice", "ben"):
        town.control("PUT", "grades", {"activity": activity, "person": person, "gone": True})
    town.clock.advance(25 * 3600)
    bridge.town.do(lambda: reconcile_due(bridge.services))


def _send_lost_again(bridge: Bridge, _: str) -> None:
    def send() -> int:
        (loss,) = find_losses(None)
        db.session.commit()
        return send_lost_again(bridge.services, loss.link_id, "Olga")

    assert bridge.town.do(send) == 2


def _kill_worker(bridge: Bridge, _: str) -> None:
    bridge.worker_runs = False


def _start_worker(bridge: Bridge, _: str) -> None:
    bridge.worker_runs = True


def _end_worker(bridge: Bridge, _: str) -> None:
    bridge.worker_runs = False
    bridge.beats[WORKER].end(bridge.town.app)


def _new_worker(bridge: Bridge, _: str) -> None:
    bridge.beats[WORKER] = Heartbeat(bridge.services, WORKER)
    bridge.worker_runs = True


def _skew(bridge: Bridge, _: str) -> None:
    bridge.town.app.extensions["real_clock"] = processes.measure_clock
    processes.measure_clock = lambda engine: -61.0


def _set_right(bridge: Bridge, _: str) -> None:
    processes.measure_clock = bridge.town.app.extensions["real_clock"]


def _refuse_lists(bridge: Bridge, _: str) -> None:
    views = bridge.town.cloud.view_functions
    (name,) = [one for one in views if one.endswith("list_them") and "registration" in one]
    bridge.town.app.extensions["list_view"] = name, views[name]
    views[name] = lambda: ({"message": "the filter is not understood"}, 400)


def _allow_lists(bridge: Bridge, _: str) -> None:
    name, view = bridge.town.app.extensions["list_view"]
    bridge.town.cloud.view_functions[name] = view


def _login_of_another(bridge: Bridge, _: str) -> None:
    told = bridge.town.control("GET", "platform")
    login = {
        "iss": told["issuer"],
        "client_id": "1000000000000024",
        "login_hint": "7",
        "target_link_uri": "http://bridge.example/lti/launch",
    }
    answer = bridge.town.app.test_client().post("/lti/login", data=login)
    assert answer.status_code == 400


def _connect_other(bridge: Bridge, _: str) -> None:
    def connect() -> None:
        known = db.session.scalars(select(Platform)).first()
        assert known is not None
        facts = PlatformFacts(
            name="The other",
            issuer=known.issuer,
            client_id="1000000000000024",
            authorization_url=known.authorization_url,
            token_url=known.token_url,
            jwks_url=known.jwks_url,
            dialect=known.dialect,
        )
        add_platform(facts, "1", now=bridge.services.now())

    bridge.town.do(connect)


def _fail_test(bridge: Bridge, _: str) -> None:
    town = bridge.town
    town.control("PUT", "course", {"database_down": True})

    def check() -> str:
        number = db.session.scalars(select(Platform.id)).first()
        db.session.commit()
        return run_check(bridge.services, OWNER, f"platform {number}")

    assert town.do(check) == "failed"


BREAKAGES = (
    Breakage(
        "keys refused",
        "SCORM Cloud does not accept the app id and secret key (account default)",
        _account(app_id="another"),
        _account(app_id="practice"),
    ),
    Breakage(
        "SCORM Cloud down",
        "SCORM Cloud does not answer (account default)",
        _cloud(error_status=503, error_rate=1.0),
        _cloud(),
    ),
    Breakage(
        "sweep refused",
        "SCORM Cloud is not looked through for changed results (account default)",
        _refuse_lists,
        _allow_lists,
    ),
    Breakage(
        "LMS down",
        "School does not take scores",
        _lms(error_status=503, error_rate=1.0),
        _lms(),
        learners=1,
        presses=True,
    ),
    Breakage(
        "token refused",
        "School gives the tool no access token",
        _forget_tool,
        _know_tool,
        learners=1,
        presses=True,
    ),
    Breakage(
        "column gone",
        "School has no gradebook column for activities with results",
        _delete_column,
        _restore_column,
        learners=1,
        presses=True,
    ),
    Breakage(
        "learner not enrolled",
        "School refuses scores: ",
        _course(learns=True, unenrolled=["alice"]),
        _course(unenrolled=[]),
        learners=1,
        presses=True,
    ),
    Breakage(
        "course reset",
        "The gradebook of School has no entry any more for 2 grades that arrived",
        _reset_course,
        _send_lost_again,
        learners=2,
    ),
    Breakage("worker killed", "No worker runs", _kill_worker, _new_worker),
    Breakage("worker ended", "No worker runs", _end_worker, _new_worker),
    Breakage("clock off", "The clock of ", _skew, _set_right),
    Breakage(
        "unknown client id",
        "1 launch refused: this LMS is not connected",
        _login_of_another,
        _connect_other,
    ),
    Breakage(
        "self-test failing",
        "The self-test of School found something wrong",
        _fail_test,
        _course(database_down=False),
        presses=True,
    ),
)
# Moodle says how long; Canvas is down then like any other.
MAINTENANCE = Breakage(
    "LMS in maintenance",
    "School asks to be left alone, as in maintenance",
    _course(learns=True, maintenance=True),
    _course(maintenance=False),
    learners=1,
    presses=True,
)


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda one: one.name)
def test_what_breaks_is_told_once_until_it_works(
    bridge: Bridge, activity: str, people: People, breakage: Breakage
) -> None:
    follow(breakage, bridge, activity, people)


@pytest.mark.parametrize("dialect", ["moodle"])
def test_maintenance_is_told_once_until_it_is_over(
    bridge: Bridge, activity: str, people: People
) -> None:
    follow(MAINTENANCE, bridge, activity, people)


def follow(breakage: Breakage, bridge: Bridge, activity: str, people: People) -> None:
    """Break something, and see it on the page, with its people, and gone."""
    before = bridge.town.clock()
    breakage.breaks(bridge, activity)
    try:
        bridge.run(60)
        (problem,) = [one for one in bridge.problems() if one.serious]
        bridge.run(80)
        bridge.run(problem.told_after.total_seconds(), step=60)
    finally:
        breakage.repairs(bridge, activity)

    what = problem.what
    assert what.startswith(breakage.what)
    assert problem.since is not None
    assert before <= problem.since <= bridge.town.clock()
    assert problem.learners == breakage.learners or breakage.learners is None
    assert problem.who
    assert problem.how
    assert people.told() == [("began", what)]
    assert [one.startswith("LTI Bridge: ") for one in people.subjects()] == [True]

    if breakage.presses:
        bridge.press(problem)
    bridge.run(70)
    assert [one.what for one in bridge.problems() if one.serious] == []
    bridge.run(140)
    assert people.told() == [("began", what), ("ended", what)]
    assert [one.startswith("LTI Bridge, over: ") for one in people.subjects()] == [False, True]
