"""A course with one SCO: its status, its score, and what the next visit finds."""

import pytest

from tests.lti_sandbox.scorm_cloud.practice import Practice
from tests.lti_sandbox.scorm_cloud.visits import (
    DONE,
    EXIT,
    NEW,
    OLD,
    RAW,
    SCALED,
    STATUS,
    SUCCESS,
    Visit,
    add_registration,
    item,
    package,
    result,
)

MASTERY = "<adlcp:masteryscore>70</adlcp:masteryscore>"
SET_BY_CONTENT = (
    '<imsss:sequencing><imsss:deliveryControls completionSetByContent="true"'
    ' objectiveSetByContent="true"/></imsss:sequencing>'
)
PASSING = (
    '<imsss:sequencing><imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true">'
    "<imsss:minNormalizedMeasure>.8</imsss:minNormalizedMeasure></imsss:primaryObjective>"
    "</imsss:objectives></imsss:sequencing>"
)


@pytest.mark.parametrize(
    "standard, inside, cmi, expected",
    [
        (OLD, "", {RAW: "85"}, ("COMPLETED", "UNKNOWN", 85)),
        (OLD, "", {}, ("COMPLETED", "UNKNOWN", None)),
        (OLD, MASTERY, {RAW: "85"}, ("COMPLETED", "PASSED", 85)),
        (OLD, MASTERY, {STATUS: "passed", RAW: "30"}, ("COMPLETED", "PASSED", 30)),
        (NEW, "", {SCALED: ".85"}, ("COMPLETED", "PASSED", 85)),
        (NEW, SET_BY_CONTENT, {SCALED: ".85"}, ("UNKNOWN", "UNKNOWN", 85)),
        (NEW, "", {SCALED: ".85", "cmi.exit": "suspend"}, ("UNKNOWN", "UNKNOWN", 85)),
        (NEW, PASSING, {DONE: "completed", SUCCESS: "passed"}, ("COMPLETED", "UNKNOWN", None)),
    ],
    ids=[
        "1.2 score without status",
        "1.2 nothing set",
        "1.2 mastery decides",
        "1.2 own status is not put over",
        "2004 score without status",
        "2004 set by content",
        "2004 suspended",
        "2004 passed without the score that decides",
    ],
)
def test_what_is_said_is_the_result(
    practice: Practice,
    standard: str,
    inside: str,
    cmi: dict[str, str],
    expected: tuple[str, str, float | None],
) -> None:
    add_registration(practice, package(standard, item("one", inside)))

    told = Visit(practice).leave(cmi)

    assert result(told) == expected


def test_unfinished_visit_is_not_failed_by_mastery(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one", MASTERY)))
    said = {STATUS: "incomplete", RAW: "30", EXIT: "suspend"}

    Visit(practice).send(said, exit="closed")

    assert result(practice.everything("seat-1")) == ("INCOMPLETE", "UNKNOWN", 30)
    again = Visit(practice).start
    assert (again["status"], again["entry"]) == ("incomplete", "resume")
    assert again["data"][RAW] == "30"


def test_status_that_the_lms_set_is_read_and_not_kept(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one", MASTERY)))
    Visit(practice).leave({RAW: "30"})

    second = Visit(practice)

    assert second.start["status"] == "failed"
    assert result(second.leave({RAW: "80"})) == ("COMPLETED", "PASSED", 80)


@pytest.mark.parametrize("standard", [OLD, NEW])
def test_page_that_never_begins_claims_nothing(practice: Practice, standard: str) -> None:
    add_registration(practice, package(standard, item("one")))

    told = Visit(practice).leave({}, finished=False, initialized=False)

    assert told["completion"] in ("UNKNOWN", "INCOMPLETE")
    assert (told["success"], told["scaled"]) == ("UNKNOWN", None)


def test_closed_tab_leaves_a_2004_attempt_open(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one")))

    Visit(practice).send({SCALED: ".85", "cmi.suspend_data": "page 2"}, exit="closed")

    assert result(practice.everything("seat-1")) == ("UNKNOWN", "UNKNOWN", 85)
    assert Visit(practice).start["data"]["cmi.suspend_data"] == "page 2"


FINISHED = {DONE: "completed", SUCCESS: "passed", SCALED: ".9", "cmi.suspend_data": "end"}
EXITED, SUSPENDED = {"cmi.exit": "normal"}, {"cmi.exit": "suspend"}


@pytest.mark.parametrize(
    "timing, exit, entry",
    [
        ("", EXITED, "ab-initio"),
        ("", SUSPENDED, "resume"),
        ("WHEN_EXIT_IS_NOT_SUSPEND", EXITED, "ab-initio"),
        ("ON_EACH_NEW_SEQUENCING_ATTEMPT", EXITED, "ab-initio"),
        ("ON_EACH_NEW_SEQUENCING_ATTEMPT", SUSPENDED, "resume"),
        ("NEVER", EXITED, ""),
    ],
    ids=[
        "usual after an exit",
        "usual after a suspension",
        "when not suspended",
        "new attempt after an exit",
        "new attempt after a suspension",
        "never",
    ],
)
def test_exit_decides_what_the_next_launch_finds(
    practice: Practice, timing: str, exit: dict[str, str], entry: str
) -> None:
    add_registration(practice, package(NEW, item("one")))
    setting = {"settings": [{"settingId": "PlayerResetRunTimeData", "value": timing}]}
    practice.api("POST", "/courses/course/configuration", json=setting)
    assert result(Visit(practice).leave(FINISHED | exit)) == ("COMPLETED", "PASSED", 90)

    again = Visit(practice)

    kept = entry != "ab-initio"
    assert again.start["entry"] == entry
    assert again.start["data"].get("cmi.suspend_data") == ("end" if kept else None)
    expected = ("COMPLETED", "PASSED", 90) if kept else ("UNKNOWN", "UNKNOWN", None)
    assert result(again.told()) == expected
    attempts = again.told()["progress"]["activityDetails"]["attempts"]
    assert attempts == (1 if kept else 2)


def test_scorm_12_goes_on_with_what_was_left(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one")))
    said = {STATUS: "passed", RAW: "90", "cmi.suspend_data": "end"}
    Visit(practice).leave(said)

    again = Visit(practice)

    assert (again.start["entry"], again.start["data"]["cmi.suspend_data"]) == ("", "end")
    assert result(again.told()) == ("COMPLETED", "PASSED", 90)


@pytest.mark.parametrize("request_", ["abandon", "abandonAll"])
def test_abandoned_attempt_leaves_no_result(practice: Practice, request_: str) -> None:
    add_registration(practice, package(NEW, item("one")))
    visit = Visit(practice)
    visit.send(FINISHED)

    told = visit.leave(FINISHED, navigation=request_)

    assert result(told) == ("UNKNOWN", "UNKNOWN", None)
    assert Visit(practice).start["entry"] == "ab-initio"


def test_abandoned_attempt_gives_the_last_result_back(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one")))
    Visit(practice).leave(FINISHED | SUSPENDED)

    told = Visit(practice).leave({**FINISHED, SCALED: ".1"}, navigation="abandonAll")

    assert result(told) == ("COMPLETED", "PASSED", 90)


def test_exit_all_ends_and_suspend_all_keeps(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one")))
    unfinished = {DONE: "incomplete", "cmi.suspend_data": "page 2", "cmi.exit": "normal"}

    kept = Visit(practice).leave(unfinished, navigation="suspendAll")
    resumed = Visit(practice)
    found = resumed.start
    ended = resumed.leave(unfinished, navigation="exitAll")

    assert kept["progress"]["suspendedActivityId"] == "one"
    assert (found["entry"], found["data"][DONE]) == ("resume", "incomplete")
    assert "suspendedActivityId" not in ended["progress"]
    assert Visit(practice).start["entry"] == "ab-initio"


def test_every_item_has_its_own_values(practice: Practice) -> None:
    inside = (
        f"{MASTERY}<adlcp:datafromlms>deep</adlcp:datafromlms>"
        "<adlcp:maxtimeallowed>0001:00:00</adlcp:maxtimeallowed>"
    )
    group = item("group", item("one") + item("two", inside), resource="")
    add_registration(practice, package(OLD, group))
    visit = Visit(practice)

    first = visit.start["sco"]
    second = visit.choose("two", {STATUS: "completed"})["sco"]

    names = ("mastery_score", "launch_data", "max_time")
    assert [first[name] for name in names] == [None, "", ""]
    assert [second[name] for name in names] == [70, "deep", "0001:00:00"]


def test_reads_limits_and_objectives_of_2004(practice: Practice) -> None:
    inside = (
        "<adlcp:dataFromLMS>hello</adlcp:dataFromLMS><imsss:sequencing>"
        '<imsss:limitConditions attemptAbsoluteDurationLimit="PT30M"/><imsss:objectives>'
        '<imsss:primaryObjective objectiveID="whole"/><imsss:objective objectiveID="part"/>'
        "</imsss:objectives></imsss:sequencing>"
    )
    add_registration(practice, package(NEW, item("one", inside)))

    start = Visit(practice).start

    assert (start["sco"]["max_time"], start["sco"]["launch_data"]) == ("PT30M", "hello")
    names = [start["data"][f"cmi.objectives.{index}.id"] for index in (0, 1)]
    assert names == ["whole", "part"]


def test_time_of_several_run_times_adds_up(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one")))
    visit = Visit(practice)

    visit.send({"cmi.core.session_time": "0000:01:00"}, run=1)
    visit.send({"cmi.core.session_time": "0000:01:30"}, run=1)
    visit.send({"cmi.core.session_time": "0000:00:20"}, run=4, exit="exited")

    told = visit.told()
    assert told["seconds"] == told["launch_history"][0]["totalSecondsTracked"] == 110


def test_half_a_surrogate_pair_is_kept(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one")))

    Visit(practice).send({"cmi.suspend_data": "smile \ud83d"}, exit="closed")

    assert Visit(practice).start["data"]["cmi.suspend_data"] == "smile \ud83d"
    assert practice.api("GET", "/registrations/seat-1?includeRuntime=true").status_code == 200
