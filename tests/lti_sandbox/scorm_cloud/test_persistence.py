"""What survives a restart of the practice SCORM Cloud, and who may control it."""

from pathlib import Path

import requests

from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.practice_scorm_cloud.cloud import EXTENSION
from lti_sandbox.server import run_on_stop, serve
from tests.lti_sandbox.scorm_cloud.practice import Practice


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
