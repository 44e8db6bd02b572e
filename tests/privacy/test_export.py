"""The export of one learner is whole, readable, and theirs alone."""

import json

import pytest
from sqlalchemy import inspect

from lti_bridge.core.errors import ConfigurationError
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.people.models import ConsoleGrant
from lti_bridge.privacy.export import INTERNAL, export_learner
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    StaffVisit,
    TrailEvent,
)
from tests.practice_cloud import Answer, CarryOn


def test_export_holds_everything_of_them(people):
    registrations = people.registrations_of(people.alice)

    document = export_learner(people.world.services, people.alice)

    assert document["learner"]["email"] == "alice@school.example"
    assert document["platform"]["name"] == "School"
    assert [entry["registration_id"] for entry in document["registrations"]] == registrations
    assert [len(entry["launches"]) for entry in document["registrations"]] == [1, 1]
    assert [len(entry["trail"]) for entry in document["registrations"]] == [2, 2]
    scores = [score for grade in document["grades"] for score in grade["scores"]]
    assert [score["registration_id"] for score in scores] == registrations
    assert [score["tries"][0]["excerpt"] for score in scores] == ["fine", "fine"]
    assert [visit["context_id"] for visit in document["staff_visits"]] == ["elsewhere"]
    assert len(document["console_grants"][0]["sessions"]) == 1


def test_export_names_no_other_learner(people):
    text = json.dumps(export_learner(people.world.services, people.alice))

    assert "Alice" in text
    assert not any(
        word in text for word in ("Bob", "bob@", "user-8", *people.registrations_of(people.bob))
    )


@pytest.mark.parametrize(
    "model, place",
    [
        (Learner, lambda d: d["learner"]),
        (Registration, lambda d: d["registrations"][0]),
        (Launch, lambda d: d["registrations"][0]["launches"][0]),
        (TrailEvent, lambda d: d["registrations"][0]["trail"][0]),
        (Grade, lambda d: d["grades"][0]),
        (Score, lambda d: d["grades"][0]["scores"][0]),
        (ScoreTry, lambda d: d["grades"][0]["scores"][0]["tries"][0]),
        (StaffVisit, lambda d: d["staff_visits"][0]),
        (ConsoleGrant, lambda d: d["console_grants"][0]),
    ],
    ids=[
        "Learner",
        "Registration",
        "Launch",
        "TrailEvent",
        "Grade",
        "Score",
        "ScoreTry",
        "StaffVisit",
        "ConsoleGrant",
    ],
)
def test_export_leaves_out_no_column(people, model, place):
    columns = {column.key for column in inspect(model).columns} - INTERNAL
    if model in (Launch, TrailEvent):
        columns -= {"registration_id"}  # they stand inside their registration

    document = json.loads(json.dumps(export_learner(people.world.services, people.alice)))

    assert columns <= place(document).keys()


def test_export_holds_what_scorm_cloud_reports(people):
    document = export_learner(people.world.services, people.alice)

    reported = document["registrations"][0]["scorm_cloud"]["reported"]
    assert reported["registrationSuccess"] == "PASSED"
    assert reported["score"]["scaled"] == 80
    assert reported["learner"]["lastName"] == "Andersen"


def test_silent_scorm_cloud_is_asked_once(people):
    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        raise Answer("503 Unavailable", **{"Retry-After": "60"})

    people.world.cloud.disturb = disturb
    people.world.cloud.asked.clear()

    document = export_learner(people.world.services, people.alice)

    first, second = (entry["scorm_cloud"] for entry in document["registrations"])
    assert "did not answer" in first["problem"]
    assert "did not answer" in second["not_asked"]
    assert people.world.cloud.asked == ["GET registrations"]


def test_missing_registration_is_told(people):
    people.world.cloud.client.delete_registration(people.registrations_of(people.alice)[0])

    document = export_learner(people.world.services, people.alice)

    first, second = (entry["scorm_cloud"] for entry in document["registrations"])
    assert first["problem"].startswith("SCORM Cloud does not have it")
    assert second["reported"]["registrationCompletion"] == "COMPLETED"


def test_unknown_learner_has_no_export(people):
    with pytest.raises(ConfigurationError, match="there is no learner 999"):
        export_learner(people.world.services, 999)
