"""A course with several pages: where one may go, what each keeps, and what the course comes to."""

from typing import Any

import pytest

from tests.lti_sandbox.scorm_cloud.practice import Practice
from tests.lti_sandbox.scorm_cloud.visits import (
    DONE,
    EXIT,
    FLOW,
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

NAMES = [f"page-{number}" for number in range(1, 20)]
NO_WEIGHT = '<imsss:sequencing><imsss:rollupRules objectiveMeasureWeight="0"/></imsss:sequencing>'


def nineteen(standard: str) -> bytes:
    inside = NO_WEIGHT if standard == NEW else ""
    pages = [item(name, inside) for name in NAMES[:-1]]
    return package(standard, *pages, item(NAMES[-1]), organization=FLOW if standard == NEW else "")


def said(standard: str, status: str, score: float | None = None) -> dict[str, str]:
    """What a SCO sets that reports a status and perhaps a score, in the words of its standard."""
    if standard == OLD:
        return {STATUS: status} | ({} if score is None else {RAW: f"{score:g}"})
    success = {SUCCESS: status} if status in ("passed", "failed") else {}
    completion = {DONE: "incomplete" if status == "incomplete" else "completed"}
    return completion | success | ({} if score is None else {SCALED: f"{score / 100:g}"})


def activity(told: dict[str, Any], name: str) -> dict[str, Any]:
    """Find an activity in the results, however deep."""
    waiting = [told["progress"]["activityDetails"]]
    while waiting:
        found: dict[str, Any] = waiting.pop()
        if found["id"] == name:
            return found
        waiting += found["children"]
    raise KeyError(name)


@pytest.mark.parametrize("standard", [OLD, NEW])
def test_nineteen_pages_are_graded_at_the_end(practice: Practice, standard: str) -> None:
    add_registration(practice, nineteen(standard))
    visit = Visit(practice)
    visit.go("continue", said(standard, "completed"))
    after_one = result(visit.told())
    visit.go("continue", said(standard, "passed", 55))
    after_two = result(visit.told())
    middle = visit.leave({"cmi.suspend_data": "here"} | said(standard, "incomplete"))

    again = Visit(practice)
    resumed = again.start
    for name in NAMES[2:-1]:
        assert again.start["activity"] == name
        again.go("continue", said(standard, "completed"))
    end = again.leave(said(standard, "passed", 80))

    assert after_one == ("UNKNOWN" if standard == NEW else "INCOMPLETE", "UNKNOWN", None)
    assert after_two[:2] == after_one[:2]
    assert middle["progress"]["suspendedActivityId"] == resumed["activity"] == NAMES[2]
    assert resumed["data"]["cmi.suspend_data"] == "here" and resumed["entry"] == "resume"
    assert result(end) == ("COMPLETED", "PASSED", 80 if standard == NEW else 67.5)


def test_each_page_keeps_its_own_data(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one"), item("two")))
    visit = Visit(practice)

    second = visit.go("continue", {STATUS: "incomplete", "cmi.suspend_data": "1", EXIT: "suspend"})
    first = visit.go("previous", {STATUS: "incomplete", "cmi.suspend_data": "2"})

    assert (second["entry"], second["data"], second["status"]) == ("ab-initio", {}, "not attempted")
    assert (first["entry"], first["data"]["cmi.suspend_data"]) == ("resume", "1")
    told = visit.told()
    assert activity(told, "two")["runtime"]["suspendData"] == "2"


def test_a_repeated_request_moves_once(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one"), item("two"), item("three")))
    visit = Visit(practice)
    request = {"activity": "one", "navigation": "continue", "finished": True}

    lost = visit.send(said(OLD, "completed"), **request)
    again = visit.send(said(OLD, "completed"), **request)

    assert lost["view"]["activity"] == again["view"]["activity"] == "two"


def test_new_attempt_of_2004_begins_anew(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one"), item("two"), organization=FLOW))
    visit = Visit(practice)
    visit.go("continue", said(NEW, "completed") | {"cmi.exit": "normal"})

    first = visit.go("previous", said(NEW, "completed") | {"cmi.exit": "suspend"})

    assert (first["entry"], first["data"]) == ("ab-initio", {})
    assert visit.choose("two")["entry"] == "resume"


def test_assets_count_as_seen(practice: Practice) -> None:
    pages = [item("cover", resource="asset"), item("one"), item("end", resource="asset")]
    add_registration(practice, package(OLD, *pages))
    visit = Visit(practice)
    cover = visit.start["activity"]
    visit.go("continue")
    visit.go("continue", said(OLD, "passed", 90))

    assert cover == "cover"
    assert result(visit.leave()) == ("COMPLETED", "PASSED", 90)


@pytest.mark.parametrize("standard", [OLD, NEW])
def test_a_failed_page_fails_only_at_the_end(practice: Practice, standard: str) -> None:
    add_registration(
        practice, package(standard, item("one"), item("two"), organization=FLOW * (standard == NEW))
    )
    visit = Visit(practice)
    visit.go("continue", said(standard, "failed", 20))
    middle = visit.told()["success"]

    told = visit.leave(said(standard, "passed", 60))

    assert middle == "UNKNOWN"
    assert result(told) == ("COMPLETED", "FAILED", 40)


def test_weights_rule_the_measure(practice: Practice) -> None:
    def weighted(weight: float) -> str:
        rules = f'<imsss:rollupRules objectiveMeasureWeight="{weight}"/>'
        return f"<imsss:sequencing>{rules}</imsss:sequencing>"

    pages = item("one", weighted(0.25)), item("two", weighted(0.75))
    add_registration(practice, package(NEW, *pages, organization=FLOW))
    visit = Visit(practice)
    visit.go("continue", said(NEW, "passed", 40))

    # A page without a measure counts with its weight all the same: SN, RB.1.1.
    assert visit.told()["scaled"] == 10
    assert visit.leave(said(NEW, "passed", 80))["scaled"] == 70


RULES = (
    '<imsss:sequencing><imsss:controlMode flow="true"/><imsss:rollupRules>'
    '<imsss:rollupRule childActivitySet="atLeastCount" minimumCount="1">'
    '<imsss:rollupConditions><imsss:rollupCondition condition="satisfied"/>'
    '</imsss:rollupConditions><imsss:rollupAction action="satisfied"/></imsss:rollupRule>'
    '<imsss:rollupRule childActivitySet="any"><imsss:rollupConditions>'
    '<imsss:rollupCondition condition="completed"/></imsss:rollupConditions>'
    '<imsss:rollupAction action="completed"/></imsss:rollupRule></imsss:rollupRules>'
    "</imsss:sequencing>"
)


def test_rollup_rules_of_the_manifest(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one"), item("two"), organization=RULES))
    visit = Visit(practice)

    visit.send(said(NEW, "passed", 80), finished=True)

    assert result(visit.told()) == ("COMPLETED", "PASSED", 40)


def test_sequencing_is_read_from_the_collection(practice: Practice) -> None:
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="shared"><imsss:rollupRules'
        ' objectiveMeasureWeight="0"/><imsss:deliveryControls completionSetByContent="true"/>'
        "</imsss:sequencing></imsss:sequencingCollection>"
    )
    refers = '<imsss:sequencing IDRef="shared"/>'
    add_registration(
        practice,
        package(NEW, item("one", refers), item("two"), organization=FLOW, more=collection),
    )

    first = Visit(practice).start["sco"]

    assert (first["weight"], first["completion_set_by_content"]) == (0, True)


def test_global_objectives_carry_a_result(practice: Practice) -> None:
    def mapped(**flags: str) -> str:
        words = " ".join(f'{name}="{value}"' for name, value in flags.items())
        return (
            '<imsss:sequencing><imsss:objectives><imsss:primaryObjective objectiveID="own">'
            f'<imsss:mapInfo targetObjectiveID="all" {words}/></imsss:primaryObjective>'
            "</imsss:objectives></imsss:sequencing>"
        )

    writes = mapped(writeSatisfiedStatus="true", writeNormalizedMeasure="true")
    pages = item("pretest", writes), item("lesson", mapped())
    add_registration(practice, package(NEW, *pages, organization=FLOW))
    visit = Visit(practice)

    lesson = visit.go("continue", said(NEW, "passed", 80))

    assert lesson["data"] == {
        "cmi.objectives.0.id": "own",
        "cmi.objectives.0.success_status": "passed",
        "cmi.objectives.0.score.scaled": "0.8",
    }
    progress = visit.told()["progress"]
    assert progress["registrationSuccess"] == "PASSED" and progress["score"]["scaled"] == 80
    assert [(one["id"], one["objectiveSuccess"]) for one in progress["globalObjectives"]] == [
        ("all", "PASSED")
    ]


def test_shared_data_is_read_by_the_next_page(practice: Practice) -> None:
    data = '<adlcp:data><adlcp:map targetID="notes"/></adlcp:data>'
    add_registration(
        practice, package(NEW, item("one", data), item("two", data), organization=FLOW)
    )
    visit = Visit(practice)

    second = visit.go("continue", {"adl.data.0.id": "notes", "adl.data.0.store": "remember"})

    assert second["data"] == {"adl.data.0.id": "notes", "adl.data.0.store": "remember"}
    assert visit.told()["progress"]["sharedData"] == [{"id": "notes", "value": "remember"}]


def test_menu_tells_what_may_be_opened(practice: Practice) -> None:
    group = item("group", item("one") + item("two"), resource="")
    add_registration(practice, package(OLD, group, item("three")))
    visit = Visit(practice)

    menu = visit.go("continue", said(OLD, "completed"))["menu"]

    shown = [(one["id"], one["depth"], one["page"], one["choice"]) for one in menu["items"]]
    assert shown == [
        ("group", 0, False, True),
        ("one", 1, True, True),
        ("two", 1, True, True),
        ("three", 0, True, True),
    ]
    assert menu["items"][1]["completion"] == "COMPLETED"
    assert (menu["previous"], menu["next"]) == (True, True)


def test_without_flow_the_learner_chooses(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one"), item("two")))
    visit = Visit(practice)

    begun = visit.start
    second = visit.choose("two")

    assert (begun["activity"], begun["sentence"]) == (None, "Choose a page from the menu.")
    assert (begun["menu"]["next"], second["menu"]["previous"]) == (False, False)
    assert second["activity"] == "two"


def test_without_choice_the_order_stands(practice: Practice) -> None:
    order = '<imsss:sequencing><imsss:controlMode choice="false" flow="true"/></imsss:sequencing>'
    add_registration(
        practice, package(NEW, item("one"), item("two"), item("three"), organization=order)
    )
    visit = Visit(practice)

    refused = visit.choose("three", said(NEW, "completed"))

    assert (refused["activity"], refused["sentence"]) == ("one", "This page cannot be opened now.")
    assert not any(one["choice"] for one in refused["menu"]["items"])
    assert visit.go("continue")["activity"] == "two"


def rule(kind: str, condition: str, action: str) -> str:
    name = f"imsss:{kind}ConditionRule"
    return (
        f"<imsss:sequencing><imsss:sequencingRules><{name}><imsss:ruleConditions>"
        f'<imsss:ruleCondition condition="{condition}"/></imsss:ruleConditions>'
        f'<imsss:ruleAction action="{action}"/></{name}></imsss:sequencingRules>'
        "</imsss:sequencing>"
    )


@pytest.mark.parametrize(
    "kind, action, condition, where",
    [
        ("pre", "skip", "always", "three"),
        ("pre", "disabled", "always", None),
        ("pre", "skip", "satisfied", "two"),
    ],
    ids=["skipped", "disabled", "condition not met"],
)
def test_conditions_before_a_page(
    practice: Practice, kind: str, action: str, condition: str, where: str | None
) -> None:
    pages = item("one"), item("two", rule(kind, condition, action)), item("three")
    add_registration(practice, package(NEW, *pages, organization=FLOW))
    visit = Visit(practice)

    assert visit.go("continue", said(NEW, "completed"))["activity"] == where


@pytest.mark.parametrize(
    "action, where, ends",
    [("retry", "one", False), ("exitAll", None, True)],
    ids=["retry", "exit all"],
)
def test_conditions_after_a_page(
    practice: Practice, action: str, where: str | None, ends: bool
) -> None:
    pages = item("one", rule("post", "satisfied", action)), item("two")
    add_registration(practice, package(NEW, *pages, organization=FLOW))
    visit = Visit(practice)

    view = visit.go("continue", said(NEW, "passed", 80))

    assert (view["activity"], view["ends"]) == (where, ends)


@pytest.mark.parametrize(
    "unplayed, named",
    [
        (rule("pre", "outsideAvailableTimeRange", "skip"), "condition outsideAvailableTimeRange"),
        (rule("post", "always", "retryAll"), "sequencing rule with the action retryAll"),
        (
            '<imsss:sequencing><imsss:randomizationControls selectionTiming="once"'
            ' selectCount="1"/></imsss:sequencing>',
            "selection of some activities (selectionTiming)",
        ),
    ],
    ids=["condition", "action", "selection"],
)
def test_what_is_not_played_claims_no_result(practice: Practice, unplayed: str, named: str) -> None:
    add_registration(practice, package(NEW, item("one", unplayed), item("two"), organization=FLOW))
    visit = Visit(practice)
    visit.go("continue", said(NEW, "passed", 80))

    told = visit.leave(said(NEW, "passed", 80))

    assert result(told) == ("INCOMPLETE", "UNKNOWN", None)
    assert Visit(practice).start["unsupported"] == [named]
    assert named in Visit(practice).page


def test_an_abandoned_page_takes_nothing_from_the_others(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one"), item("two"), organization=FLOW))
    visit = Visit(practice)
    visit.go("continue", said(NEW, "passed", 80))

    told = visit.leave(said(NEW, "passed", 100), navigation="abandonAll")

    assert activity(told, "one")["activitySuccess"] == "PASSED"
    assert activity(told, "two")["activitySuccess"] == "UNKNOWN"
    assert told["scaled"] == 40 and told["completion"] == "UNKNOWN"


def test_a_closed_tab_keeps_the_place(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one"), item("two")))
    visit = Visit(practice)
    visit.go("continue", said(OLD, "completed"))

    # The tab is closed while the learner is on the way to another page.
    visit.send(said(OLD, "incomplete"), exit="closed", navigation="previous")

    assert Visit(practice).start["activity"] == "two"


def test_an_exit_of_a_page_stays_in_the_course(practice: Practice) -> None:
    add_registration(practice, package(NEW, item("one"), item("two"), organization=FLOW))
    visit = Visit(practice)

    view = visit.go("exit", said(NEW, "completed"))

    assert (view["activity"], view["ends"]) == (None, False)
    assert view["sentence"] == "Choose a page from the menu, or exit the course."
    assert visit.choose("two")["activity"] == "two"


def test_preview_plays_and_records_nothing(practice: Practice) -> None:
    add_registration(practice, package(OLD, item("one"), item("two")))
    link = practice.api("POST", "/courses/course/preview", json={}).json()["launchLink"]
    player = practice.session.get(link, timeout=20).url
    message = {"sequence": 1, "cmi": said(OLD, "passed", 80), "navigation": "continue"}

    answer = practice.session.post(f"{player}/commit", json=message, timeout=20).json()

    assert answer["view"]["activity"] == "two"
    assert result(practice.everything("seat-1")) == ("UNKNOWN", "UNKNOWN", None)


def test_sample_course_is_decided_by_its_quiz(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course("scorm2004-several"))
    suspended = {"cmi.exit": "suspend"}
    visit = Visit(practice)
    visit.go("continue", said(NEW, "completed") | suspended)
    visit.go("continue", said(NEW, "completed") | suspended)
    middle = result(visit.told())

    end = visit.leave(said(NEW, "passed", 75) | suspended)

    assert middle == ("UNKNOWN", "UNKNOWN", None)
    assert result(end) == ("COMPLETED", "FAILED", 75)
