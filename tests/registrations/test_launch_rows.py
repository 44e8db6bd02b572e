"""The rows of a launch: opened once, brought up to date, never blanked by an empty claim."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from lti_bridge.core.db import Base, db
from lti_bridge.core.errors import LaunchRejected
from lti_bridge.platforms.models import Deployment
from lti_bridge.registrations.grade_updates import store_progress
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    TrailEvent,
)
from lti_bridge.scorm_cloud.progress import Completion, Progress, Success
from tests.conftest import FakeClock
from tests.registrations.conftest import Node

MakeNode = Callable[[], Node]


def only(model: type[Base]) -> object:
    return db.session.scalars(select(model).execution_options(populate_existing=True)).one()


def link() -> ResourceLink:
    row = only(ResourceLink)
    assert isinstance(row, ResourceLink)
    return row


def grade() -> Grade:
    row = only(Grade)
    assert isinstance(row, Grade)
    return row


def launch_row(launch_id: int) -> Launch:
    return db.session.get_one(Launch, launch_id, populate_existing=True)


def test_opens_every_row_once(node: Node, clock: FakeClock) -> None:
    with node.context():
        first = node.begin()
        second = node.begin()

        models = (ResourceLink, Learner, Registration, Grade, Launch, TrailEvent)
        counts = [db.session.scalar(select(func.count()).select_from(model)) for model in models]
        assert counts == [1, 1, 1, 1, 2, 2]
        assert launch_row(first).registration_id == launch_row(second).registration_id
        registration = launch_row(first).registration
        assert registration.launched_at == clock()
        assert registration.recheck_at is not None
        assert (registration.recheck_at - clock()).total_seconds() == 3600


def test_two_nodes_open_the_same_rows(make_node: MakeNode) -> None:
    nodes = [make_node(), make_node()]
    start = threading.Barrier(6)
    failures: list[BaseException] = []

    def begin(node: Node) -> None:
        try:
            with node.context():
                start.wait(10)
                node.begin()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(nodes[i % 2],)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    with nodes[0].context():
        models = (ResourceLink, Learner, Registration, Grade, Launch)
        counts = [db.session.scalar(select(func.count()).select_from(model)) for model in models]
        assert counts == [1, 1, 1, 1, 6]


def test_learners_of_one_link_share_it(node: Node) -> None:
    with node.context():
        launches = [node.begin(sub=sub) for sub in ("alice", "bob")]

        registrations = {launch_row(launch_id).registration_id for launch_id in launches}
        assert len(registrations) == 2
        assert link().title == "Golf quiz"


def test_empty_claims_erase_nothing(node: Node) -> None:
    url = "https://lms.example/items/1"
    with node.context():
        node.begin(line_item_url=url, line_items_url="https://lms.example/items", scopes=("s",))
        node.begin(
            line_item_url=None,
            line_items_url=None,
            scopes=None,
            resource_link_title=None,
            context_id=None,
            return_url=None,
        )

        assert (link().line_item_url, link().line_items_url) == (url, "https://lms.example/items")
        assert (link().service_scopes, link().title) == (["s"], "Golf quiz")
        assert (link().context_id, link().return_url) == ("context-1", "https://lms.example/back")


def test_learnt_line_item_wakes_what_waits(node: Node, clock: FakeClock) -> None:
    with node.context():
        node.begin()
        db.session.execute(update(Grade).values(waits_for_line_item=True))
        db.session.commit()
        clock.advance(60)

        node.begin(line_item_url="https://lms.example/items/1")

        assert (grade().next_send_at, grade().waits_for_line_item) == (clock(), False)
        assert grade().generation == 1


@pytest.mark.parametrize(
    "news",
    [{"scopes": ("s", "score")}, {"line_items_url": "https://lms.example/items"}],
    ids=["scopes", "list of line items"],
)
def test_whatever_a_score_waits_for_wakes_it(node: Node, clock: FakeClock, news) -> None:
    with node.context():
        node.begin(scopes=("s",))
        db.session.execute(update(Grade).values(waits_for_line_item=True))
        db.session.commit()
        clock.advance(60)

        node.begin(**{"scopes": ("s",), **news})

        assert (grade().next_send_at, grade().waits_for_line_item) == (clock(), False)


def test_scopes_in_another_order_wake_no_grade(node: Node) -> None:
    with node.context():
        node.begin(scopes=("a", "b"))
        node.begin(scopes=("b", "a", "b"))

        assert (link().service_scopes, grade().generation) == (["a", "b"], 0)


def test_claim_that_grants_nothing_is_known(node: Node) -> None:
    with node.context():
        node.begin(scopes=None)
        assert link().service_scopes is None

        node.begin(scopes=("s",))
        node.begin(scopes=())

        assert link().service_scopes == []


def test_ungraded_activity_takes_no_scope_from_others(node: Node) -> None:
    with node.context():
        node.begin(scopes=("score",))
        node.begin(scopes=None, resource_link_id="link-2")
        node.begin(scopes=(), resource_link_id="link-3")

        links = select(ResourceLink).order_by(ResourceLink.resource_link_id)
        kept = [one.service_scopes for one in db.session.scalars(links)]
        assert kept == [["score"], None, []]


def test_known_line_item_wakes_no_grade(node: Node) -> None:
    url = "https://lms.example/items/1"
    with node.context():
        node.begin(line_item_url=url)
        node.begin(line_item_url=url)

        assert (grade().next_send_at, grade().generation) == (None, 0)


@pytest.mark.parametrize("custom", [{}, {"scorm_course_id": "$Canvas.x"}], ids=["none", "unmade"])
def test_link_without_course_is_refused_and_kept(node: Node, custom: dict[str, str]) -> None:
    with node.context():
        with pytest.raises(LaunchRejected) as refused:
            node.begin(custom=custom)

        assert refused.value.reason == "no_course"
        assert link().title == "Golf quiz"
        assert db.session.scalar(select(func.count(Launch.id))) == 0


def test_override_wins_and_can_be_taken_back(node: Node) -> None:
    courses = []
    with node.context():
        for override in (None, "tennis", None):
            db.session.execute(update(ResourceLink).values(override_course=override))
            db.session.commit()
            db.session.expire_all()
            courses.append(launch_row(node.begin()).registration.course_id)

    assert courses == ["golf", "tennis", "golf"]


def test_course_is_remembered_without_custom(node: Node) -> None:
    with node.context():
        node.begin()

        later = launch_row(node.begin(custom={})).registration.course_id

    assert later == "golf"


@pytest.mark.parametrize("course", ["x" * 256, "golf\0"], ids=["too long", "with a zero byte"])
def test_impossible_course_is_missing(node: Node, course: str) -> None:
    with node.context(), pytest.raises(LaunchRejected) as refused:
        node.begin(custom={"scorm_course_id": course})

    assert refused.value.reason == "course_missing"


def test_names_go_when_privacy_comes(node: Node) -> None:
    def name() -> tuple[str | None, ...]:
        row = only(Learner)
        assert isinstance(row, Learner)
        return (row.first_name, row.last_name, row.email)

    with node.context():
        node.begin()
        named = name()
        node.prepare(privacy="pseudonymous")
        node.begin()

        assert named == ("Alice", "Learner", "alice@school.example")
        assert name() == (None, None, None)


def test_launch_remembers_what_was_known(node: Node, clock: FakeClock) -> None:
    with node.context():
        first = node.begin()
        row = launch_row(first).registration
        store_progress(row.id, Progress(Completion.COMPLETED, Success.FAILED, 55.0), clock())
        db.session.commit()

        second = launch_row(node.begin())

        known = (second.known_completion, second.known_success, second.known_score)
        assert known == ("COMPLETED", "FAILED", 55.0)
        assert launch_row(first).known_completion == "UNKNOWN"


@pytest.mark.parametrize(
    "exited, settled, overlaps",
    [(False, False, False), (True, False, True), (True, True, False)],
    ids=["still open", "unsettled exit", "settled exit"],
)
def test_overlaps_an_unsettled_exit(
    node: Node, clock: FakeClock, exited: bool, settled: bool, overlaps: bool
) -> None:
    with node.context():
        first = launch_row(node.begin())
        first.exited_at = clock() if exited else None
        first.settled_at = clock() if settled else None
        db.session.commit()

        assert launch_row(node.begin()).overlaps is overlaps


def test_newest_deployment_is_used_for_scores(node: Node) -> None:
    with node.context():
        node.begin()
        old = db.session.scalars(select(Deployment)).one()
        successor = Deployment(
            platform=old.platform,
            deployment_id="2",
            identity=old.identity,
            status="active",
            created_at=old.created_at,
        )
        db.session.add(successor)
        db.session.commit()

        launch_id = node.begin("2")

        assert link().deployment_id == successor.id
        assert launch_row(launch_id).registration.resource_link_id == link().id


def test_launch_without_link_is_refused(node: Node) -> None:
    with node.context(), pytest.raises(LaunchRejected) as refused:
        node.begin(resource_link_id=None)

    assert refused.value.reason == "bad_claims"


def test_shared_row_is_not_written_at_every_click(node: Node, clock: FakeClock) -> None:
    moments = []
    with node.context():
        for seconds in (0, 59, 2):
            clock.advance(seconds)
            node.begin()
            moments.append((clock() - link().launched_at).total_seconds())

    assert moments == [0, 59, 0]
