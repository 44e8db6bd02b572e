"""A launch's registration is found or created once; nothing that happens makes two of it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.core.errors import LaunchRejected, Unavailable
from lti_bridge.registrations import create_lease as registrations
from lti_bridge.registrations.models import Grade, Launch, Registration
from lti_bridge.scorm_cloud.client import LearnerValues
from tests.conftest import FakeClock, close_app, with_settings
from tests.practice_cloud import Answer, CarryOn, LoseAnswer, PracticeCloud
from tests.registrations.conftest import Node

CREATE, LOOK, LINK = "POST registrations", "HEAD registrations", "POST launchLink"
MakeNode = Callable[[], Node]


def on(request: str, *failures: Exception, effect: bool = False) -> Callable[..., None]:
    """Fail the first such requests, one failure each; `effect` carries them out all the same."""
    left = list(failures)

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        if f"{method} {path}" == request and left:
            if effect:
                carry_on()
            raise left.pop(0)

    return disturb


def in_order(*requests: str | tuple[str, Exception]) -> Callable[..., None]:
    """Fail single requests of a fixed sequence; what is only named passes."""
    left = list(requests)

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        step = left.pop(0) if left else ""
        if isinstance(step, tuple):
            raise step[1]

    return disturb


def test_first_launch_costs_three_calls(node: Node, cloud: PracticeCloud) -> None:
    node.launch()
    first = list(cloud.asked)
    cloud.asked.clear()
    node.launch()

    assert first == [LOOK, CREATE, LINK]
    assert cloud.asked == [LINK]


def test_tells_scorm_cloud_who_and_where(node: Node, cloud: PracticeCloud) -> None:
    name = node.launch()

    told = cloud.look(name)
    with node.context():
        learner = node.registration().learner
    assert told["progress"]["learner"] == {
        "id": learner.scorm_learner_id,
        "firstName": "Alice",
        "lastName": "Learner",
        "email": "alice@school.example",
    }
    assert told["redirect_on_exit_url"].startswith("http://bridge.example/exit/")
    assert told["postback"]["url"].startswith("http://bridge.example/postback/")


def test_pseudonymous_platform_tells_an_id_only(node: Node, cloud: PracticeCloud) -> None:
    with node.context():
        node.prepare(privacy="pseudonymous")

    name = node.launch()

    with node.context():
        learner = node.registration().learner
        assert (learner.first_name, learner.last_name, learner.email) == (None, None, None)
    assert cloud.look(name)["progress"]["learner"] == {"id": learner.scorm_learner_id}


def test_postbacks_can_be_off(
    cloud_settings: Settings, clock: FakeClock, cloud: PracticeCloud
) -> None:
    node = Node(with_settings(cloud_settings, scorm_cloud={"postbacks": "off"}), clock)

    name = node.launch()
    close_app(node.app)

    assert cloud.look(name)["postback"] is None


@pytest.mark.parametrize("nodes", [1, 2], ids=["one node", "two nodes"])
@pytest.mark.parametrize("duplicate", ["reject", "reset"])
def test_double_click_makes_one_registration(
    make_node: MakeNode, cloud: PracticeCloud, nodes: int, duplicate: str
) -> None:
    cloud.faults(duplicate_registration=duplicate, latency_ms=20)
    made = [make_node() for _ in range(nodes)]
    start = threading.Barrier(4)
    results: list[object] = []

    def click(node: Node) -> None:
        start.wait(10)
        try:
            results.append(node.launch())
        except (LaunchRejected, Unavailable) as error:
            results.append(error)

    threads = [threading.Thread(target=click, args=(made[i % nodes],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    names = {result for result in results if isinstance(result, str)}
    assert len(results) == 4 and len(names) == 1, results
    assert cloud.posts() == {names.pop(): {"accepted": 1, "refused": 0}}
    with made[0].context():
        counts = [db.session.scalar(select(func.count(row.id))) for row in (Registration, Launch)]
        assert counts == [1, 4]


def test_loser_waits_for_the_winner(make_node: MakeNode, cloud: PracticeCloud) -> None:
    winner, loser = make_node(), make_node()
    loser.haste = 1000.0  # the winner is held until the loser has given up
    inside, leave = threading.Event(), threading.Event()
    results: list[object] = []

    def hold_create(method: str, path: str, carry_on: CarryOn) -> None:
        if method == "POST" and path == "/registrations":
            inside.set()
            leave.wait(20)

    cloud.disturb = hold_create
    first = threading.Thread(target=lambda: results.append(winner.launch()))
    first.start()
    assert inside.wait(20)
    with pytest.raises(LaunchRejected) as busy:
        loser.launch()
    leave.set()
    first.join(20)
    later = loser.launch()

    assert busy.value.reason == "seat_busy"
    assert results == [later]
    assert cloud.posts() == {later: {"accepted": 1, "refused": 0}}


@pytest.mark.parametrize("duplicate", ["reject", "reset"])
def test_emptied_database_finds_the_registration_again(
    node: Node, cloud: PracticeCloud, clock: FakeClock, duplicate: str
) -> None:
    cloud.faults(duplicate_registration=duplicate)
    name = node.launch()
    cloud.play(name, completion="COMPLETED", success="PASSED", scaled=85.5)
    node.lose_database()
    cloud.asked.clear()

    again = node.launch()

    assert again == name
    assert cloud.asked == [LOOK, LOOK, LINK]
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}
    assert cloud.look(name)["scaled"] == 85.5
    with node.context():
        row, grade = node.registration(), db.session.scalars(select(Grade)).one()
        assert row.recovered and row.created_at == clock()
        assert (grade.result_known, grade.next_read_at, grade.generation) == (False, clock(), 1)


def test_new_registration_needs_no_look_at_the_lms(node: Node) -> None:
    node.launch()

    with node.context():
        row, grade = node.registration(), db.session.scalars(select(Grade)).one()
        assert not row.recovered
        assert (grade.result_known, grade.next_read_at) == (True, None)


def test_emptied_database_finds_every_attempt(node: Node, cloud: PracticeCloud) -> None:
    name = node.launch()
    second = second_attempt(node, cloud)
    cloud.play(second, completion="INCOMPLETE")
    node.lose_database()

    resumed = node.launch()

    assert resumed == second
    assert cloud.posts() == {n: {"accepted": 1, "refused": 0} for n in (name, second)}
    with node.context():
        rows = db.session.scalars(select(Registration).order_by(Registration.attempt)).all()
        assert [(row.attempt, row.registration_id) for row in rows] == [(1, name), (2, second)]
        assert all(row.recovered and row.created_at for row in rows)
        assert rows[1].launched_at is not None and rows[1].recheck_at is not None
    assert node.launch() == second


def test_interrupted_search_is_begun_again(node: Node, cloud: PracticeCloud) -> None:
    node.launch()
    second = second_attempt(node, cloud)
    node.lose_database()
    cloud.disturb = in_order("attempt 1", ("attempt 2", Answer("401 Who")))

    with pytest.raises(LaunchRejected):
        node.launch()

    with node.context():
        assert node.registration().created_at is None
    assert node.launch() == second


def second_attempt(node: Node, cloud: PracticeCloud) -> str:
    """Make attempt 2 of the only registration, as another bridge with more attempts would."""
    with node.context():
        launch_id = db.session.scalars(select(Launch.id)).first()
        assert launch_id is not None
        name = registrations.load_registration(launch_id).id_of(2)
    cloud.client.create_registration(name, "golf", LearnerValues("alice"), None)
    return name


@pytest.fixture
def other_cloud() -> Any:
    other = PracticeCloud(app_id="other")
    other.client = other.make_client("other")
    other.add_course("golf")
    yield other
    other.stop()


def test_emptied_database_looks_in_every_account(
    node: Node, cloud: PracticeCloud, other_cloud: PracticeCloud
) -> None:
    node.add_account("other", other_cloud)
    with node.context():
        # The platform used the other account when this was made; then the rows were lost.
        name = registrations.load_registration(node.begin()).registration_id
    other_cloud.client.create_registration(name, "golf", LearnerValues("alice"), None)
    other_cloud.asked.clear()

    again = node.launch()

    assert again == name
    assert CREATE not in cloud.asked
    assert other_cloud.asked == [LOOK, LOOK, LINK]
    with node.context():
        assert node.registration().account.name == "other"


def test_other_account_is_asked_before_a_post(
    node: Node, cloud: PracticeCloud, other_cloud: PracticeCloud
) -> None:
    node.add_account("other", other_cloud)

    name = node.launch()

    assert cloud.asked == [LOOK, CREATE, LINK]
    assert other_cloud.asked == [LOOK]
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_account_with_a_wrong_secret_stops_no_launch(
    node: Node, cloud: PracticeCloud, other_cloud: PracticeCloud
) -> None:
    node.add_account("other", other_cloud, secret_key="wrong")

    name = node.launch()

    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_silent_account_may_hide_a_registration(
    node: Node, cloud: PracticeCloud, other_cloud: PracticeCloud
) -> None:
    node.add_account("other", other_cloud)
    other_cloud.faults(error_status=503)

    with pytest.raises(Unavailable):
        node.launch()

    assert CREATE not in cloud.asked
    other_cloud.faults()
    node.launch()
    assert cloud.asked.count(CREATE) == 1


def test_lost_answer_is_looked_up_at_once(node: Node, cloud: PracticeCloud) -> None:
    cloud.disturb = on("POST /registrations", LoseAnswer(), effect=True)

    name = node.launch()

    assert cloud.asked == [LOOK, CREATE, LOOK, LINK]
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}
    with node.context():
        assert not node.registration().recovered


def test_post_of_unknown_effect_is_not_repeated(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    cloud.disturb = on("POST /registrations", Answer("503 Down"))
    with pytest.raises(Unavailable):
        node.launch()
    clock.advance(29)
    with pytest.raises(LaunchRejected) as busy:
        node.launch()
    asked_in_the_lease = cloud.asked.count(CREATE)
    clock.advance(2)

    name = node.launch()

    assert busy.value.reason == "seat_busy"
    assert asked_in_the_lease == 1
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


@pytest.mark.parametrize("duplicate", ["reject", "reset"])
@pytest.mark.parametrize("later", [1, 15, 60], ids=["at once", "in the lease", "after the lease"])
def test_death_after_the_post_loses_nothing(
    node: Node, cloud: PracticeCloud, clock: FakeClock, later: float, duplicate: str
) -> None:
    cloud.faults(duplicate_registration=duplicate)
    with node.context():
        # All that a process does before it dies between SCORM Cloud's answer and our row.
        registration = registrations.load_registration(node.begin())
        token = registrations.take_lease(registration, clock())
        assert token is not None and registrations.record_post(registration, token, clock())
    cloud.client.create_registration(
        registration.registration_id, "golf", LearnerValues("alice"), None
    )
    cloud.play(registration.registration_id, completion="COMPLETED", scaled=70)
    clock.advance(later)
    cloud.asked.clear()

    name = node.launch()

    assert name == registration.registration_id
    assert cloud.asked == [LOOK, LINK]
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}
    assert cloud.look(name)["scaled"] == 70
    with node.context():
        assert not node.registration().recovered


def test_death_before_the_post_costs_one_lease(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    with node.context():
        registration = registrations.load_registration(node.begin())
        assert registrations.take_lease(registration, clock())
    clock.advance(12)
    with pytest.raises(LaunchRejected) as busy:
        node.launch()
    clock.advance(20)

    name = node.launch()

    assert busy.value.reason == "seat_busy"
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_looker_recognises_a_recovered_registration(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    name = node.launch()
    node.lose_database()
    with node.context():
        # A launcher that took the lease in the emptied database, and died before its HEAD.
        registration = registrations.load_registration(node.begin())
        assert registrations.take_lease(registration, clock())
    clock.advance(12)

    again = node.launch()

    assert again == name
    with node.context():
        assert node.registration().recovered
        assert not db.session.scalars(select(Grade)).one().result_known


def test_looker_recognises_a_registration_made_meanwhile(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    with node.context():
        registration = registrations.load_registration(node.begin())
        token = registrations.take_lease(registration, clock())
        assert token is not None
    clock.advance(12)
    made: list[str] = []

    def make_it_now(method: str, path: str, carry_on: CarryOn) -> None:
        if method == "HEAD" and not made:
            made.append(registration.registration_id)
            with node.context():
                assert registrations.record_post(registration, token, clock())
            cloud.client.create_registration(made[0], "golf", LearnerValues("alice"), None)

    cloud.disturb = make_it_now

    node.launch()

    with node.context():
        assert not node.registration().recovered
        assert db.session.scalars(select(Grade)).one().result_known


def test_registration_once_posted_lives_in_its_own_account(
    node: Node, cloud: PracticeCloud, other_cloud: PracticeCloud, clock: FakeClock
) -> None:
    node.add_account("other", other_cloud)
    with node.context():
        registration = registrations.load_registration(node.begin())
        token = registrations.take_lease(registration, clock())
        assert token is not None and registrations.record_post(registration, token, clock())
    clock.advance(31)

    node.launch()

    assert other_cloud.asked == []
    assert cloud.asked == [LOOK, CREATE, LINK]


@pytest.mark.parametrize("status", ["400 Exists", "409 Exists"])
def test_existing_id_is_read_back(node: Node, cloud: PracticeCloud, status: str) -> None:
    cloud.disturb = on("POST /registrations", Answer(status), effect=True)

    name = node.launch()

    assert cloud.asked == [LOOK, CREATE, LOOK, LINK]
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_missing_course_is_named(node: Node, cloud: PracticeCloud) -> None:
    with pytest.raises(LaunchRejected) as missing:
        node.launch(custom={"scorm_course_id": "tennis"})
    cloud.add_course("tennis")

    name = node.launch(custom={"scorm_course_id": "tennis"})

    assert missing.value.reason == "course_missing"
    assert cloud.posts()[name]["accepted"] == 1


@pytest.mark.parametrize(
    "course, reason",
    [("tennis", "course_missing"), ("golf", "create_refused")],
    ids=["no such course", "refused"],
)
def test_refused_creation_says_why(
    node: Node, cloud: PracticeCloud, course: str, reason: str
) -> None:
    cloud.disturb = on("POST /registrations", Answer("400 Bad", {"error": "no"}))

    with pytest.raises(LaunchRejected) as refused:
        node.launch(custom={"scorm_course_id": course})

    assert refused.value.reason == reason
    with node.context():
        row = node.registration()
        assert (row.create_lease_token, row.posted_at, row.created_at) == (None, None, None)


def test_refusal_without_read_back_keeps_the_lease(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    down = [Answer("503 Down")] * 20
    cloud.disturb = in_order("HEAD", ("POST", Answer("400 Bad")), *(("HEAD", d) for d in down))

    with pytest.raises(Unavailable):
        node.launch()

    with node.context():
        assert node.registration().create_lease_until is not None


def test_deleted_registration_is_not_made_anew(node: Node, cloud: PracticeCloud) -> None:
    name = node.launch()
    cloud.disturb = on(f"POST /registrations/{name}/launchLink", Answer("404 None"))

    with pytest.raises(LaunchRejected) as gone:
        node.launch()

    assert gone.value.reason == "registration_gone"
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_wrong_secret_is_named(node: Node, cloud: PracticeCloud) -> None:
    cloud.disturb = in_order(("HEAD", Answer("401 Who")))

    with pytest.raises(LaunchRejected) as refused:
        node.launch()

    assert refused.value.reason == "scorm_cloud_refused"
    assert node.launch()


@pytest.mark.parametrize("status", ["401 Who", "403 No"])
def test_refused_post_is_no_registration(node: Node, cloud: PracticeCloud, status: str) -> None:
    cloud.disturb = on("POST /registrations", Answer(status))

    with pytest.raises(LaunchRejected) as refused:
        node.launch()

    assert refused.value.reason == "scorm_cloud_refused"
    assert cloud.asked == [LOOK, CREATE]
    assert node.launch()


def test_cloud_that_is_down_costs_no_lease(node: Node, cloud: PracticeCloud) -> None:
    cloud.faults(error_status=503)
    with pytest.raises(Unavailable):
        node.launch()
    cloud.faults()
    cloud.asked.clear()

    node.launch()

    assert cloud.asked == [LOOK, CREATE, LINK]


def test_throttled_post_costs_no_lease(node: Node, cloud: PracticeCloud) -> None:
    cloud.disturb = on("POST /registrations", Answer("429 Slow", **{"Retry-After": "7"}))
    with pytest.raises(Unavailable) as throttled:
        node.launch()

    name = node.launch()

    assert throttled.value.retry_after == 7
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0}}


def test_no_connection_is_held_across_a_call(
    node: Node, cloud: PracticeCloud, clock: FakeClock
) -> None:
    with node.context():
        pool: Any = db.engine.pool
    held: list[int] = []
    cloud.disturb = lambda method, path, carry_on: held.append(pool.checkedout())

    node.launch()
    node.lose_database()
    node.launch()
    with pytest.raises(LaunchRejected):
        node.launch(resource_link_id="link-2", custom={"scorm_course_id": "tennis"})
    with node.context():
        assert registrations.take_lease(
            registrations.load_registration(node.begin(sub="bob")), clock()
        )
    clock.advance(12)
    with pytest.raises(LaunchRejected):
        node.launch(sub="bob")

    assert held == [0] * len(held)
    assert len(held) >= 9


def test_link_names_this_launch(node: Node, cloud: PracticeCloud) -> None:
    name = node.launch()
    first = cloud.look(name)["redirect_on_exit_url"]
    node.launch()
    second = cloud.look(name)["redirect_on_exit_url"]

    assert first != second


def test_link_that_is_refused_is_named(node: Node, cloud: PracticeCloud) -> None:
    cloud.disturb = in_order("HEAD", "POST", ("link", Answer("403 No")))

    with pytest.raises(LaunchRejected) as refused:
        node.launch()

    assert refused.value.reason == "scorm_cloud_refused"


@pytest.mark.parametrize("answer", ["503 Down", "401 Who"])
def test_lost_answer_that_cannot_be_looked_up_keeps_the_lease(
    node: Node, cloud: PracticeCloud, answer: str
) -> None:
    later = [("HEAD", Answer(answer))] * 20
    cloud.disturb = in_order("HEAD", ("POST", Answer("503 Down")), *later)

    with pytest.raises(Unavailable):
        node.launch()
    cloud.disturb = lambda method, path, carry_on: None
    with pytest.raises(LaunchRejected) as busy:
        node.launch()

    assert busy.value.reason == "seat_busy"
    assert cloud.asked.count(CREATE) == 1


def test_frozen_launcher_posts_nothing(node: Node, cloud: PracticeCloud, clock: FakeClock) -> None:
    def freeze_past_the_lease(method: str, path: str, carry_on: CarryOn) -> None:
        clock.advance(31)

    cloud.disturb = freeze_past_the_lease

    with pytest.raises(Unavailable):
        node.launch()

    assert cloud.asked == [LOOK]


def test_launcher_without_time_posts_nothing(
    node: Node, cloud: PracticeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "CALLS_SECONDS", 0.1)

    with pytest.raises(Unavailable):
        node.launch()

    assert cloud.asked == []
    with node.context():
        assert node.registration().create_lease_token is None
