"""What survives a restart of the practice SCORM Cloud, and who may control it."""

import sqlite3
from pathlib import Path

import pytest
import requests

from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.practice_scorm_cloud.cloud import EXTENSION
from lti_sandbox.practice_scorm_cloud.imports import STOPPED
from lti_sandbox.practice_scorm_cloud.store import dump
from lti_sandbox.server import run_on_stop, serve
from tests.lti_sandbox.scorm_cloud.practice import Practice
from tests.lti_sandbox.scorm_cloud.visits import Visit


def test_data_dir_survives_a_restart(tmp_path: Path) -> None:
    first = create_practice_scorm_cloud(data_dir=tmp_path)
    with serve(first) as running, requests.Session() as session:
        before = Practice(running.url, first.extensions[EXTENSION], session)
        before.register("seat-1", before.add_course())
        before.play("seat-1", completion="COMPLETED", scaled=85.5)

    second = create_practice_scorm_cloud(data_dir=tmp_path)
    with serve(second) as running, requests.Session() as session:
        after = Practice(running.url, second.extensions[EXTENSION], session)
        shown = after.api("GET", "/registrations/seat-1").json()

    assert shown["score"] == {"scaled": 85.5}


# What an earlier version stored for a course of one page, and for a registration.
OLD_COURSE = {
    **{"id": "old", "version": 0, "title": "Old", "standard": "SCORM12", "tags": []},
    **{"created": "2026-01-01T00:00:00.000Z", "updated": "2026-01-01T00:00:00.000Z"},
    "root": {"externalIdentifier": "organization"},
    "sco": {"href": "start.html", "title": "Old", "mastery_score": 80.0, "launch_data": ""}
    | {"max_time": "", "time_limit_action": ""}
    | {"completion_threshold": None, "scaled_passing_score": None},
}
OLD_RESULT = {
    **{"instance": 0, "course": {"id": "old", "title": "Old", "version": 0}},
    **{"updated": "2026-01-01T00:00:00.000Z", "created": "2026-01-01T00:00:00.000Z"},
    **{"completion": "COMPLETED", "success": "PASSED", "scaled": 85.5, "seconds": 60.0},
    **{"last_access": "2026-01-01T00:00:00.000Z", "attempts": 1, "launches": []},
    "cmi": {"data": {"cmi.suspend_data": "page 2"}, "exit": "suspend", "entry": "resume"},
}


def test_reads_what_the_version_before_has_stored(tmp_path: Path) -> None:
    first = create_practice_scorm_cloud(data_dir=tmp_path)
    with serve(first) as running, requests.Session() as session:
        before = Practice(running.url, first.extensions[EXTENSION], session)
        before.register("seat-1", before.add_course())
        run = before.cloud.store.run
        run("UPDATE course SET id = 'old', document = ?", dump(OLD_COURSE))
        run("UPDATE registration SET course_id = 'old', results = ?", dump([OLD_RESULT]))
        run("UPDATE registration SET seen = results")

    second = create_practice_scorm_cloud(data_dir=tmp_path)
    with serve(second) as running, requests.Session() as session:
        after = Practice(running.url, second.extensions[EXTENSION], session)
        shown = after.api("GET", "/registrations/seat-1").json()
        start = Visit(after).start

    assert (shown["registrationSuccess"], shown["score"]) == ("PASSED", {"scaled": 85.5})
    assert (start["entry"], start["data"]) == ("resume", {"cmi.suspend_data": "page 2"})
    assert (start["sco"]["href"], start["sco"]["mastery_score"]) == ("start.html", 80)


def test_content_of_earlier_releases_is_kept(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "practice-scorm-cloud.sqlite3") as database:
        database.execute(
            "CREATE TABLE content (course_id TEXT, version INTEGER, path TEXT,"
            " body BLOB NOT NULL, PRIMARY KEY (course_id, version, path))"
        )
        database.execute("INSERT INTO content VALUES ('golf', 0, 'index.html', x'41')")
    database.close()

    app = create_practice_scorm_cloud(data_dir=tmp_path)

    found = app.extensions[EXTENSION].content.find("golf", 0, "index.html")
    run_on_stop(app)
    assert found.read_bytes() == b"A"


def test_interrupted_import_has_ended(tmp_path: Path) -> None:
    before = create_practice_scorm_cloud(data_dir=tmp_path)
    job = {"jobId": "j", "status": "RUNNING", "importResult": {"parserWarnings": []}}
    before.extensions[EXTENSION].store.run("INSERT INTO job VALUES ('j', ?)", dump(job))
    run_on_stop(before)

    after = create_practice_scorm_cloud(data_dir=tmp_path)
    path = "/api/v2/courses/importJobs/j"
    shown = after.test_client().get(path, auth=("practice", "practice")).get_json()

    run_on_stop(after)
    assert (shown["status"], shown["message"]) == ("ERROR", STOPPED)


@pytest.mark.parametrize("kept", [True, False], ids=["in a folder", "for a while"])
def test_deleted_course_leaves_no_file(kept: bool, tmp_path: Path) -> None:
    app = create_practice_scorm_cloud(data_dir=tmp_path if kept else None)
    cloud = app.extensions[EXTENSION]
    with requests.Session() as session:
        course = Practice("", cloud, session).add_course()
    folder = cloud.content.find(course, 0, "index.html").parents[1]

    app.test_client().delete(f"/api/v2/courses/{course}", auth=("practice", "practice"))

    left = list(folder.iterdir())
    run_on_stop(app)
    assert (left, folder.exists()) == ([], kept)


def test_control_answers_to_loopback_only() -> None:
    app = create_practice_scorm_cloud()
    client = app.test_client()

    far = client.get("/control/requests", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    near = client.get("/control/requests", environ_base={"REMOTE_ADDR": "127.0.0.1"})

    run_on_stop(app)
    assert (far.status_code, near.status_code) == (403, 200)


def test_deletes_can_be_switched_off() -> None:
    app = create_practice_scorm_cloud(allow_delete=False)

    answer = app.test_client().delete("/api/v2/courses/x", auth=("practice", "practice"))

    run_on_stop(app)
    assert answer.status_code == 403
