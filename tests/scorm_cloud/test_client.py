"""The door against the practice SCORM Cloud: what it sends, and what it makes of the answers."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from lti_bridge.core.errors import NotFound, Refused
from lti_bridge.core.http.session import Outbound
from lti_bridge.scorm_cloud.client import LearnerValues, PostBack, ScormCloudClient
from lti_bridge.scorm_cloud.progress import Completion, Success
from tests.practice_cloud import PracticeCloud, package

ALICE = LearnerValues("learner-1", "Alice", "Ärmel", "alice@school.example")


@pytest.mark.parametrize("slash", ["", "/"], ids=["no slash", "trailing slash"])
def test_pings_with_either_base_url(cloud: PracticeCloud, slash: str) -> None:
    client = ScormCloudClient(
        cloud.base_url + slash, "practice", "practice", Outbound(allow_private_networks=True)
    )

    client.ping()


def test_imports_a_course_with_progress(cloud: PracticeCloud) -> None:
    sent: list[int] = []
    zipped = package("Golf")
    size = len(zipped.getvalue())

    job_id = cloud.client.upload_course(zipped, "my golf.zip", "golf", progress=sent.append)
    job = cloud.client.get_import_job(job_id)
    while job.status == "RUNNING":
        job = cloud.client.get_import_job(job_id)

    assert sum(sent) == size
    assert job.status == "COMPLETE"
    assert job.course is not None and job.course.title == "Golf"
    assert cloud.client.get_course("golf").standard == "SCORM12"
    assert [course.id for course in cloud.client.list_courses()] == ["golf"]


def test_finds_courses_by_id_and_title_in_pages(cloud: PracticeCloud) -> None:
    for number in range(12):
        cloud.add_course(f"club-{number}")

    first = cloud.client.find_courses("club", by="course_id")
    rest = cloud.client.find_courses(more=first.more)
    titled = cloud.client.find_courses("GOLF", by="title")

    assert (len(first.courses), first.total) == (10, 12)
    assert (len(rest.courses), rest.more, rest.total) == (2, "", None)
    assert len({course.id for course in (*first.courses, *rest.courses)}) == 12
    assert titled.total == 12
    assert cloud.client.find_courses("golf").courses == ()


def test_existing_course_needs_new_version(cloud: PracticeCloud) -> None:
    cloud.add_course("golf")

    with pytest.raises(Refused) as refused:
        cloud.client.upload_course(package(), "golf.zip", "golf")
    job_id = cloud.client.upload_course(package(), "golf.zip", "golf", new_version=True)
    while cloud.client.get_import_job(job_id).status == "RUNNING":
        pass

    assert refused.value.code == "already_exists"
    assert cloud.client.get_course("golf").version == 1


def test_lists_every_page_of_courses(cloud: PracticeCloud) -> None:
    small = PracticeCloud(page_size=2)
    for number in range(5):
        small.add_course(f"course-{number}")

    found = [course.id for course in small.client.list_courses()]
    small.stop()

    assert sorted(found) == [f"course-{number}" for number in range(5)]


def test_creates_the_registration_as_documented(cloud: PracticeCloud) -> None:
    cloud.add_course()
    postback = PostBack("http://bridge.example/postback/t", "scorm-cloud", "pass")

    cloud.client.create_registration("seat-1", "golf", ALICE, postback)

    told = cloud.look("seat-1")
    assert told["progress"]["learner"] == {
        "id": "learner-1",
        "firstName": "Alice",
        "lastName": "Ärmel",
        "email": "alice@school.example",
    }
    assert told["postback"] == {
        "url": "http://bridge.example/postback/t",
        "authType": "HTTPBASIC",
        "userName": "scorm-cloud",
        "password": "pass",
        "resultsFormat": "COURSE",
    }


def test_pseudonymous_learner_is_an_id_alone(cloud: PracticeCloud) -> None:
    cloud.add_course()

    cloud.client.create_registration("seat-1", "golf", LearnerValues("opaque"), None)

    told = cloud.look("seat-1")
    assert told["progress"]["learner"] == {"id": "opaque"}
    assert told["postback"] is None


def test_tells_whether_a_registration_exists(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)

    exists = [cloud.client.registration_exists(name) for name in ("seat-1", "seat-2", "a/../b c")]

    assert exists == [True, False, False]


def test_reads_progress_and_history(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)
    cloud.play("seat-1", completion="COMPLETED", success="PASSED", scaled=85.5)

    progress = cloud.client.get_registration("seat-1")
    history = cloud.client.get_launch_history("seat-1")

    assert progress.result == (Completion.COMPLETED, Success.PASSED, 85.5)
    assert progress.seconds == 60
    assert len(history) == 1 and history[0].exited_at is not None
    assert cloud.client.get_registration_in_full("seat-1")["id"] == "seat-1"


def test_deleted_progress_starts_over(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)
    cloud.play("seat-1", completion="COMPLETED", success="PASSED", scaled=85.5)

    cloud.client.delete_progress("seat-1")

    assert cloud.client.get_registration("seat-1").result == ("UNKNOWN", "UNKNOWN", None)


def test_lists_every_page_of_changes() -> None:
    cloud = PracticeCloud(page_size=2)
    cloud.add_course()
    for number in range(5):
        cloud.client.create_registration(f"seat-{number}", "golf", ALICE, None)
    cloud.play("seat-3", completion="COMPLETED", success="FAILED", scaled=12)

    pages = list(cloud.client.list_changed_registrations(datetime.now(UTC) - timedelta(hours=1)))
    nothing = list(cloud.client.list_changed_registrations(datetime.now(UTC) + timedelta(hours=1)))
    cloud.stop()

    items = [item for page in pages for item in page.items]
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert sorted(name for name, _ in items) == [f"seat-{number}" for number in range(5)]
    assert dict(items)["seat-3"].result == ("COMPLETED", "FAILED", 12.0)
    assert pages[0].server_time is not None and pages[0].server_time.tzinfo is not None
    assert [page.items for page in nothing] == [[]]


def test_asks_for_changes_not_creations(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("old", "golf", ALICE, None)
    between = cloud.client.get_registration_in_full("old")["createdDate"]
    since = datetime.fromisoformat(between) + timedelta(milliseconds=1)
    cloud.play("old", completion="COMPLETED")

    pages = list(cloud.client.list_changed_registrations(since))

    assert [name for page in pages for name, _ in page.items] == ["old"]


def test_builds_a_launch_link_per_click(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)

    links = [
        cloud.client.build_launch_link(
            "seat-1", "http://bridge.example/exit/t", content_expiry_seconds=28800, culture="de"
        )
        for _ in range(2)
    ]

    told = cloud.look("seat-1")
    assert links[0] != links[1]
    assert all(link.startswith(cloud.server.url) for link in links)
    assert told["redirect_on_exit_url"] == "http://bridge.example/exit/t"
    assert told["launch_links_built"] == 2


def test_builds_a_preview_link(cloud: PracticeCloud) -> None:
    cloud.add_course()

    link = cloud.client.build_preview_link("golf", "http://bridge.example/done")

    assert link.startswith(cloud.server.url)


@pytest.mark.parametrize("key", ["error", "message"])
def test_keeps_the_remote_sentence_aside(cloud: PracticeCloud, key: str) -> None:
    cloud.add_course()
    cloud.client.create_registration("seat-1", "golf", ALICE, None)
    cloud.faults(error_key=key)

    with pytest.raises(Refused) as refused:
        cloud.client.create_registration("seat-1", "golf", ALICE, None)

    assert "already exists" in refused.value.explanation
    assert "already exists" not in str(refused.value)


def test_missing_things_are_not_found(cloud: PracticeCloud) -> None:
    client = cloud.client
    calls = [
        lambda: client.get_course("none"),
        lambda: client.get_import_job("none"),
        lambda: client.build_preview_link("none", ""),
        lambda: client.get_registration("none"),
        lambda: client.build_launch_link("none", "http://bridge.example/"),
        lambda: client.get_launch_history("none"),
        lambda: client.delete_progress("none"),
        lambda: client.create_registration("a", "none", ALICE, None),
    ]

    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_wrong_credentials_are_named() -> None:
    cloud = PracticeCloud(app_id="Ünïcode")

    with pytest.raises(Refused) as refused:
        cloud.client.ping()
    cloud.make_client("Ünïcode").ping()
    cloud.stop()

    assert refused.value.code == "credentials"


def test_no_secret_in_any_message(cloud: PracticeCloud) -> None:
    secret = "a-very-secret-key"
    client = ScormCloudClient(
        cloud.base_url, "practice", secret, Outbound(allow_private_networks=True)
    )

    with pytest.raises(Refused) as refused:
        client.create_registration("a", "golf", ALICE, PostBack("http://b.example/", "u", "hush"))

    text = repr(refused.value) + refused.value.explanation
    assert secret not in text and "hush" not in text and "alice@" not in text


def test_few_calls_at_once(cloud: PracticeCloud) -> None:
    client = cloud.make_client(parallel_calls=2)
    lock, under_way, most = threading.Lock(), [0], [0]
    full = threading.Event()

    def count(method: str, path: str, carry_on: object) -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            if under_way[0] == 2:
                full.set()
        full.wait(5)
        with lock:
            under_way[0] -= 1

    cloud.disturb = count
    threads = [threading.Thread(target=client.ping) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert most[0] == 2
    assert cloud.asked.count("GET registrations") == 6


def test_deletes_a_registration_once(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("a", "golf", ALICE, None)

    cloud.client.delete_registration("a")

    assert not cloud.client.registration_exists("a")
    with pytest.raises(NotFound):
        cloud.client.delete_registration("a")


def test_deletes_that_are_off_are_refused(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("a", "golf", ALICE, None)
    cloud.faults(deletes_off=True)

    with pytest.raises(Refused, match="does not accept") as refused:
        cloud.client.delete_registration("a")

    assert not isinstance(refused.value, NotFound)
    assert cloud.client.registration_exists("a")


def test_lists_every_registration_of_a_learner(cloud: PracticeCloud) -> None:
    cloud.add_course()
    names = [f"seat-{number}" for number in range(12)]
    for name in names:
        cloud.client.create_registration(name, "golf", ALICE, None)
    cloud.client.create_registration("other", "golf", LearnerValues("learner-2"), None)

    assert sorted(cloud.client.list_registrations_of("learner-1")) == sorted(names)
    assert cloud.client.list_registrations_of("nobody") == []


def test_blanks_a_learner_everywhere(cloud: PracticeCloud) -> None:
    cloud.add_course()
    for name in ("a", "b"):
        cloud.client.create_registration(name, "golf", ALICE, None)

    cloud.client.update_learner(LearnerValues("learner-1"))

    shown = [cloud.look(name)["progress"]["learner"] for name in ("a", "b")]
    assert shown == [{"id": "learner-1"}] * 2
    with pytest.raises(NotFound):
        cloud.client.update_learner(LearnerValues("nobody"))


def test_orders_the_deletion_of_personal_data(cloud: PracticeCloud) -> None:
    cloud.add_course()
    cloud.client.create_registration("a", "golf", ALICE, None)

    cloud.client.delete_learner_information("learner-1", "owner@school.example")

    assert cloud.look("a")["progress"]["learner"] == {"id": "learner-1"}
    with pytest.raises(NotFound):
        cloud.client.delete_learner_information("nobody", "owner@school.example")
