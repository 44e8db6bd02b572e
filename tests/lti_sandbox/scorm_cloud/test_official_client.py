"""The official client drives the practice SCORM Cloud, unchanged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rustici_software_cloud_v2 as client
from rustici_software_cloud_v2.rest import ApiException

from lti_sandbox.sample_courses import build_sample
from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until
from tests.lti_sandbox.scorm_cloud.visits import Visit, add_registration, item, package


@pytest.fixture(params=["/api/v2", "/api/v2/"], ids=["plain host", "host with slash"])
def api(request: pytest.FixtureRequest, practice: Practice) -> Iterator[Any]:
    configuration = client.Configuration()
    configuration.host = practice.url + request.param
    configuration.username = configuration.password = "practice"
    api = client.ApiClient(configuration)
    yield api
    api.rest_client.pool_manager.clear()
    if hasattr(api, "pool"):
        api.pool.close()
        api.pool.join()


def import_sample(api: Any, tmp_path: Path, kind: str, course_id: str, **options: Any) -> Any:
    package = tmp_path / f"{kind}.zip"
    package.write_bytes(build_sample(kind))
    courses = client.CourseApi(api)
    job = courses.create_upload_and_import_course_job(course_id, file=str(package), **options)
    return wait_until(
        lambda: (found := courses.get_import_job_status(job.result)).status != "RUNNING" and found
    )


def register(api: Any, course_id: str, registration_id: str) -> None:
    learner = client.LearnerSchema(id="alice", first_name="Alice", last_name="Archer")
    client.RegistrationApi(api).create_registration(
        client.CreateRegistrationSchema(
            course_id=course_id, learner=learner, registration_id=registration_id
        )
    )


def test_carries_a_learner_from_import_to_result(
    api: Any, practice: Practice, tmp_path: Path
) -> None:
    registrations = client.RegistrationApi(api)

    job = import_sample(api, tmp_path, "scorm2004-quiz", "course-1")
    register(api, "course-1", "seat-1")
    before = registrations.get_registration_progress("seat-1")
    link = registrations.build_registration_launch_link(
        "seat-1", client.LaunchLinkRequestSchema(redirect_on_exit_url="http://back.example/x")
    )
    practice.play("seat-1", completion="COMPLETED", success="PASSED", scaled=85.5, seconds=90)
    after = registrations.get_registration_progress("seat-1", include_runtime=True)

    assert job.status == "COMPLETE"
    assert job.import_result.course.course_learning_standard == "SCORM20044THEDITION"
    assert (before.registration_completion, before.registration_success) == ("UNKNOWN", "UNKNOWN")
    assert before.score is None and before.first_access_date is None
    assert link.launch_link.startswith(practice.url + "/api/cloud/registration/launch/")
    assert (after.registration_completion, after.registration_success) == ("COMPLETED", "PASSED")
    assert (after.score.scaled, after.total_seconds_tracked) == (85.5, 90.0)


def test_lists_and_tells_existence(api: Any, practice: Practice) -> None:
    registrations = client.RegistrationApi(api)
    course = practice.add_course()
    for number in range(12):
        register(api, course, f"seat-{number}")

    first = registrations.get_registrations(course_id=course, include_total_count=True)
    second = registrations.get_registrations(more=first.more)

    assert (len(first.registrations), len(second.registrations)) == (10, 2)
    assert second.more is None
    assert registrations.get_registration("seat-3") is None
    with pytest.raises(ApiException) as missing:
        registrations.get_registration("nobody")
    assert missing.value.status == 404


def test_names_survive_odd_characters(api: Any, practice: Practice) -> None:
    course = practice.add_course()

    register(api, course, "r/1 x%41ü")

    found = client.RegistrationApi(api).get_registration_progress("r/1 x%41ü")
    assert found.id == "r/1 x%41ü"


def test_repeated_import_needs_permission(api: Any, tmp_path: Path) -> None:
    import_sample(api, tmp_path, "scorm12-quiz", "course-1")

    with pytest.raises(ApiException) as refused:
        import_sample(api, tmp_path, "scorm12-quiz", "course-1")
    job = import_sample(api, tmp_path, "scorm12-quiz", "course-1", may_create_new_version=True)

    assert refused.value.status == 409
    assert job.import_result.course.version == 1
    versions = client.CourseApi(api).get_course_versions("course-1").courses
    assert [course.version for course in versions] == [0, 1]


def test_bearer_token_reaches_only_its_scope(api: Any, practice: Practice) -> None:
    course = practice.add_course()
    token = client.ApplicationManagementApi(api).create_token(
        client.TokenRequestSchema(
            permissions=client.PermissionsSchema(scopes=["read:registration"]),
            expiry="2100-01-01T00:00:00Z",
        )
    )
    api.configuration.access_token = token.result
    api.configuration.username = api.configuration.password = ""
    registrations = client.RegistrationApi(api)

    listed = registrations.get_registrations()
    with pytest.raises(ApiException) as refused:
        register(api, course, "seat-1")

    assert listed.registrations == []
    assert refused.value.status == 403


def test_manages_instances_tags_settings_and_learner(api: Any, practice: Practice) -> None:
    registrations = client.RegistrationApi(api)
    register(api, practice.add_course(), "seat-1")
    practice.play("seat-1", completion="COMPLETED", scaled=50)

    registrations.create_new_registration_instance("seat-1")
    registrations.put_registration_tags("seat-1", client.TagListSchema(tags=["a", "b"]))
    registrations.delete_registration_tags("seat-1", client.TagListSchema(tags=["a"]))
    item = client.SettingsIndividualSchema(setting_id="PlayerLaunchType", value="NEW_WINDOW")
    settings = client.SettingsPostSchema(settings=[item])
    registrations.set_registration_configuration("seat-1", settings)
    client.LearnerApi(api).update_learner_info(
        "alice", client.LearnerSchema(id="alice", email="a@b")
    )

    instances = registrations.get_registration_instances("seat-1").registrations
    newest = registrations.get_registration_progress("seat-1")
    configured = registrations.get_registration_configuration("seat-1").setting_items
    assert [one.registration_completion for one in instances] == ["COMPLETED", "UNKNOWN"]
    assert (newest.instance, newest.tags, newest.learner.email) == (1, ["b"], "a@b")
    assert [one.explicit_value for one in configured if one.id == "PlayerLaunchType"] == [
        "NEW_WINDOW"
    ]


def test_reset_wipes_and_delete_removes(api: Any, practice: Practice) -> None:
    registrations = client.RegistrationApi(api)
    register(api, practice.add_course(), "seat-1")
    practice.play("seat-1", completion="COMPLETED", scaled=50)

    registrations.delete_registration_progress("seat-1")
    fresh = registrations.get_registration_progress("seat-1")
    history = registrations.get_registration_launch_history("seat-1").launch_history
    registrations.delete_registration("seat-1")

    assert (fresh.registration_completion, fresh.score, history) == ("UNKNOWN", None, [])
    with pytest.raises(ApiException) as gone:
        registrations.delete_registration("seat-1")
    assert gone.value.status == 404


def test_reads_every_activity_of_several(api: Any, practice: Practice) -> None:
    add_registration(practice, package("1.2", item("one"), item("two")))
    visit = Visit(practice)
    visit.go("continue", {"cmi.core.lesson_status": "completed"})
    visit.leave(
        {
            "cmi.core.lesson_status": "passed",
            "cmi.core.score.raw": "80",
            "cmi.interactions.0.id": "question",
            "cmi.interactions.0.type": "fill-in",
            "cmi.interactions.0.student_response": "alarm",
            "cmi.interactions.0.correct_responses.0.pattern": "alarm",
            "cmi.interactions.0.objectives.0.id": "aim",
            "cmi.objectives.0.id": "aim",
            "cmi.objectives.0.status": "passed",
        }
    )

    read = client.RegistrationApi(api).get_registration_progress(
        "seat-1",
        include_child_results=True,
        include_interactions_and_objectives=True,
        include_runtime=True,
    )

    whole = read.activity_details
    one, two = whole.children
    assert (read.registration_completion, read.registration_success) == ("COMPLETED", "PASSED")
    assert (read.suspended_activity_id, read.score.scaled) == ("two", 80)
    assert (whole.id, one.id, two.id) == ("o", "one", "two")
    assert (one.activity_completion, one.score) == ("COMPLETED", None)
    assert (two.activity_success, two.score.scaled, two.suspended) == ("PASSED", 80, True)
    assert (two.objectives[0].primary, two.objectives[0].objective_success) == (True, "PASSED")
    asked = two.runtime.runtime_interactions[0]
    assert (asked.id, asked.type, asked.objectives) == ("question", "FillIn", ["aim"])
    assert (asked.learner_response, asked.correct_responses) == ("alarm", ["alarm"])
    aim = two.runtime.runtime_objectives[0]
    assert (aim.id, aim.runtime_objective_success_status) == ("aim", "PASSED")
    assert aim.runtime_objective_completion_status == "COMPLETED"
