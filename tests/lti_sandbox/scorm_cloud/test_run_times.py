"""The two run-times in a real browser: their states, error codes and data models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lti_sandbox.player import views

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("a page for each call; the journeys play both standards"),
]

STATIC = Path(views.__file__).parent / "static"
START = {
    "learner_id": "alice",
    "learner_name": "Archer, Alice",
    "credit": "credit",
    "mode": "normal",
    "entry": "ab-initio",
    "total_time": "0000:00:00",
    "data": {},
    "sco": {
        "launch_data": "hello",
        "mastery_score": 80.0,
        "max_time": "",
        "time_limit_action": "",
        "completion_threshold": None,
        "scaled_passing_score": 0.8,
    },
}


@pytest.fixture
def run(page: Any) -> Iterator[Any]:
    """Run calls such as `("LMSGetValue", "cmi.core.entry")`, and return answers with errors."""
    for name in ("model.js", "scorm12.js", "scorm2004.js"):
        page.add_script_tag(path=str(STATIC / name))
    page.evaluate("window.told = []")

    def run(standard: str, calls: list[tuple[str, ...]], **changes: Any) -> list[list[str]]:
        maker = "PracticeScorm12" if standard == "1.2" else "PracticeScorm2004"
        last = "LMSGetLastError" if standard == "1.2" else "GetLastError"
        script = (
            f"([start, calls]) => {{ const made = {maker}.create(start, "
            "{committed: () => told.push('commit'), finished: () => told.push('finish')});"
            "window.made = made;"
            f"return calls.map(([name, ...given]) => [made.api[name](...given), made.api.{last}()])"
            "}"
        )
        answers: list[list[str]] = page.evaluate(script, [{**START, **changes}, calls])
        return answers

    yield run


INIT_12, INIT = ("LMSInitialize", ""), ("Initialize", "")


@pytest.mark.parametrize(
    "call, answer, error",
    [
        (("LMSGetValue", "cmi.core.student_name"), "Archer, Alice", "0"),
        (("LMSGetValue", "cmi.core.lesson_status"), "not attempted", "0"),
        (("LMSGetValue", "cmi.launch_data"), "hello", "0"),
        (("LMSGetValue", "cmi.student_data.mastery_score"), "80", "0"),
        (("LMSGetValue", "cmi.core.score._children"), "raw,min,max", "0"),
        (("LMSGetValue", "cmi.interactions._count"), "0", "0"),
        (("LMSGetValue", ""), "", "201"),
        (("LMSGetValue", "cmi.core.student_id._children"), "", "202"),
        (("LMSGetValue", "cmi.core._count"), "", "203"),
        (("LMSGetValue", "cmi.core.grade"), "", "401"),
        (("LMSGetValue", "cmi.core.session_time"), "", "404"),
        (("LMSGetValue", "cmi.objectives.0.id"), "", "201"),
        (("LMSSetValue", "cmi.core._children", "x"), "false", "402"),
        (("LMSSetValue", "cmi.core.student_id", "x"), "false", "403"),
        (("LMSSetValue", "cmi.core.lesson_status", "finished"), "false", "405"),
        (("LMSSetValue", "cmi.core.lesson_status", "not attempted"), "false", "405"),
        (("LMSSetValue", "cmi.core.score.raw", "101"), "false", "405"),
        (("LMSSetValue", "cmi.core.score.raw", "85.5"), "true", "0"),
        (("LMSSetValue", "cmi.core.session_time", "1:2:3"), "false", "405"),
        (("LMSSetValue", "cmi.suspend_data", "x" * 70_000), "true", "0"),
        (("LMSSetValue", "cmi.core.lesson_location", "x" * 300), "true", "0"),
        (("LMSSetValue", "cmi.interactions.1.id", "a"), "false", "201"),
        (("LMSSetValue", "cmi.interactions.0.id", "a"), "true", "0"),
        (("LMSSetValue", "cmi.nothing", "a"), "false", "401"),
        (("LMSInitialize", ""), "false", "101"),
        (("LMSCommit", "now"), "false", "201"),
        (("LMSCommit", ""), "true", "0"),
    ],
    ids=[
        "get the name",
        "get the status",
        "get launch data",
        "get the mastery score",
        "get children",
        "get a count",
        "get no element",
        "get children of a leaf",
        "get a count of no list",
        "get an unknown element",
        "get a write-only element",
        "get beyond a list",
        "set a keyword",
        "set a read-only element",
        "set an unknown status",
        "set not attempted",
        "set a score over 100",
        "set a score",
        "set a short time",
        "set long suspend data",
        "set a long location",
        "set beyond a list",
        "set the next of a list",
        "set an unknown element",
        "initialize again",
        "commit with an argument",
        "commit",
    ],
)
def test_scorm_12_answers_and_errors(
    run: Any, call: tuple[str, ...], answer: str, error: str
) -> None:
    assert run("1.2", [INIT_12, call])[-1] == [answer, error]


@pytest.mark.parametrize(
    "name, given",
    [("LMSFinish", [""]), ("LMSGetValue", ["cmi.core.entry"]), ("LMSCommit", [""])],
    ids=["LMSFinish", "LMSGetValue", "LMSCommit"],
)
def test_scorm_12_needs_initialization(run: Any, name: str, given: list[str]) -> None:
    before = run("1.2", [(name, *given)])[-1][1]
    after = run("1.2", [INIT_12, ("LMSFinish", ""), (name, *given)])[-1][1]

    assert (before, after) == ("301", "301")


@pytest.mark.parametrize(
    "call, answer, error",
    [
        (("GetValue", "cmi._version"), "1.0", "0"),
        (("GetValue", "cmi.completion_status"), "unknown", "0"),
        (("GetValue", "cmi.scaled_passing_score"), "0.8", "0"),
        (("GetValue", ""), "", "301"),
        (("GetValue", "cmi.learner_id._children"), "", "301"),
        (("GetValue", "cmi.objectives.0.id"), "", "301"),
        (("GetValue", "cmi.grade"), "", "401"),
        (("GetValue", "cmi.location"), "", "403"),
        (("GetValue", "cmi.score.scaled"), "", "403"),
        (("GetValue", "cmi.session_time"), "", "405"),
        (("SetValue", "", "x"), "false", "351"),
        (("SetValue", "cmi.interactions.1.id", "a"), "false", "351"),
        (("SetValue", "cmi.grade", "x"), "false", "401"),
        (("SetValue", "cmi.learner_id", "x"), "false", "404"),
        (("SetValue", "cmi.objectives._count", "1"), "false", "404"),
        (("SetValue", "cmi.score.scaled", "high"), "false", "406"),
        (("SetValue", "cmi.success_status", "completed"), "false", "406"),
        (("SetValue", "cmi.score.scaled", "1.1"), "false", "407"),
        (("SetValue", "cmi.score.scaled", "-1"), "true", "0"),
        (("SetValue", "cmi.interactions.0.type", "choice"), "false", "408"),
        (("SetValue", "cmi.session_time", "PT1H2M3.5S"), "true", "0"),
        (("SetValue", "cmi.session_time", "0001:02:03"), "false", "406"),
        (("SetValue", "adl.nav.request", "exitAll"), "true", "0"),
        (("Initialize", ""), "false", "103"),
        (("Terminate", "now"), "false", "201"),
        (("Commit", ""), "true", "0"),
    ],
    ids=[
        "get the version",
        "get the completion",
        "get the passing score",
        "get no element",
        "get children of a leaf",
        "get beyond a list",
        "get an unknown element",
        "get an unset location",
        "get an unset score",
        "get a write-only element",
        "set no element",
        "set beyond a list",
        "set an unknown element",
        "set a read-only element",
        "set a count",
        "set a text as score",
        "set an unknown success",
        "set a score over 1",
        "set a score of -1",
        "set a type before the id",
        "set a time",
        "set a time of 1.2",
        "set a navigation request",
        "initialize again",
        "terminate with an argument",
        "commit",
    ],
)
def test_scorm_2004_answers_and_errors(
    run: Any, call: tuple[str, ...], answer: str, error: str
) -> None:
    assert run("2004", [INIT, call])[-1] == [answer, error]


@pytest.mark.parametrize(
    "call, before, after",
    [
        (("Terminate", ""), "112", "113"),
        (("GetValue", "cmi.entry"), "122", "123"),
        (("SetValue", "cmi.location", "x"), "132", "133"),
        (("Commit", ""), "142", "143"),
    ],
    ids=["Terminate", "GetValue", "SetValue", "Commit"],
)
def test_scorm_2004_states(run: Any, call: tuple[str, ...], before: str, after: str) -> None:
    assert run("2004", [call])[-1][1] == before
    assert run("2004", [INIT, ("Terminate", ""), call])[-1][1] == after


def test_scorm_2004_cannot_begin_twice(run: Any) -> None:
    assert run("2004", [INIT, ("Terminate", ""), INIT])[-1] == ["false", "104"]


def test_passing_score_rules_the_success_status(run: Any) -> None:
    answers = run(
        "2004",
        [
            INIT,
            ("SetValue", "cmi.success_status", "passed"),
            ("SetValue", "cmi.score.scaled", "0.5"),
            ("GetValue", "cmi.success_status"),
        ],
    )

    assert answers[-1] == ["failed", "0"]


def interaction(type: str, element: str, value: str) -> list[tuple[str, ...]]:
    """The calls that set an element of an interaction of a type."""
    name = "cmi.interactions.0."
    begin = [INIT, ("SetValue", name + "id", "q"), ("SetValue", name + "type", type)]
    return [*begin, ("SetValue", name + element, value)]


@pytest.mark.parametrize(
    "type, response, pattern, wrong",
    [
        ("true-false", "true", "false", "t"),
        ("choice", "a[,]b", "a", "a choice"),
        ("fill-in", "{lang=en}bus stop", "{case_matters=true}bus[,]car", "{lang=no language}x"),
        ("long-fill-in", "a long answer", "{case_matters=false}answer", "{lang=}x"),
        ("matching", "1[.]a[,]2[.]b", "1[.]a", "1.a"),
        ("performance", "step[.]5[,][.]6", "{order_matters=false}step[.]1[:]5", "step"),
        ("sequencing", "a[,]b", "b[,]a", "a[,] b"),
        ("likert", "often", "often", "very often"),
        ("numeric", "5.5", "1[:]9", "five"),
        ("other", "any thing", "any thing", None),
    ],
    ids=[
        "true-false",
        "choice",
        "fill-in",
        "long-fill-in",
        "matching",
        "performance",
        "sequencing",
        "likert",
        "numeric",
        "other",
    ],
)
def test_responses_by_type(
    run: Any, type: str, response: str, pattern: str, wrong: str | None
) -> None:
    said = run("2004", interaction(type, "learner_response", response))[-1]
    assert said == ["true", "0"]
    correct = run("2004", interaction(type, "correct_responses.0.pattern", pattern))[-1]
    assert correct == ["true", "0"]
    if wrong is not None:
        assert run("2004", interaction(type, "learner_response", wrong))[-1] == ["false", "406"]


@pytest.mark.parametrize(
    "type, element, value",
    [
        ("choice", "correct_responses.0.pattern", "a"),
        ("other", "objectives.0.id", "o"),
        ("numeric", "correct_responses.0.pattern", "1[:]2"),
    ],
    ids=["pattern of a choice", "objective", "pattern of a number"],
)
def test_nothing_is_there_twice(run: Any, type: str, element: str, value: str) -> None:
    again = ("SetValue", f"cmi.interactions.0.{element.replace('0', '1')}", value)

    assert run("2004", [*interaction(type, element, value), again])[-1] == ["false", "351"]


@pytest.mark.parametrize(
    "path, value, error",
    [
        ("cmi.interactions.0.timestamp", "2026-01-31T10:00:00.12+02:00", "0"),
        ("cmi.interactions.0.timestamp", "2026-01-31T10:00:00Z", "0"),
        ("cmi.interactions.0.timestamp", "2026", "0"),
        ("cmi.interactions.0.timestamp", "2026-13-01", "406"),
        ("cmi.interactions.0.timestamp", "1969-01-01", "406"),
        ("cmi.learner_preference.language", "en-US", "0"),
        ("cmi.learner_preference.language", "", "0"),
        ("cmi.learner_preference.language", "english language", "406"),
        ("cmi.suspend_data", "x" * 70_000, "0"),
        ("cmi.location", "x" * 2_000, "0"),
    ],
    ids=[
        "time with a zone",
        "time in UTC",
        "year alone",
        "month 13",
        "year before 1970",
        "language with a country",
        "no language",
        "language in words",
        "long suspend data",
        "long location",
    ],
)
def test_values_of_the_vocabulary(run: Any, path: str, value: str, error: str) -> None:
    begin = interaction("other", "learner_response", "x")

    assert run("2004", [*begin, ("SetValue", path, value)])[-1][1] == error


def test_response_needs_its_type(run: Any) -> None:
    calls = [INIT, ("SetValue", "cmi.interactions.0.id", "q")]

    answers = run("2004", [*calls, ("SetValue", "cmi.interactions.0.learner_response", "a")])

    assert answers[-1] == ["false", "408"]


def test_tells_which_requests_are_valid(run: Any) -> None:
    menu = {"next": True, "previous": False, "items": [{"id": "one", "choice": True}]}
    name = "adl.nav.request_valid."

    answers = run(
        "2004",
        [
            INIT,
            ("GetValue", name + "continue"),
            ("GetValue", name + "previous"),
            ("GetValue", name + "choice.{target=one}"),
            ("GetValue", name + "choice.{target=none}"),
        ],
        menu=menu,
    )

    assert [answer for answer, _ in answers[1:]] == ["true", "false", "true", "unknown"]


def test_shared_data_takes_no_more_stores(run: Any) -> None:
    data = {"adl.data.0.id": "notes"}

    answers = run(
        "2004",
        [
            INIT,
            ("GetValue", "adl.data._count"),
            ("SetValue", "adl.data.0.store", "x"),
            ("SetValue", "adl.data.1.store", "x"),
        ],
        data=data,
    )

    assert answers[1:] == [["1", "0"], ["true", "0"], ["false", "351"]]


def test_resumes_what_was_suspended(run: Any) -> None:
    data = {"cmi.suspend_data": "page 3", "cmi.objectives.0.id": "one"}

    answers = run(
        "2004",
        [
            INIT,
            ("GetValue", "cmi.suspend_data"),
            ("GetValue", "cmi.objectives._count"),
            ("GetValue", "cmi.entry"),
            ("SetValue", "cmi.objectives.0.id", "two"),
        ],
        data=data,
        entry="resume",
    )

    assert [answer for answer, _ in answers[1:4]] == ["page 3", "1", "resume"]
    assert answers[4] == ["false", "351"]


def test_error_strings_are_known(run: Any, page: Any) -> None:
    run("2004", [INIT])

    old = "PracticeScorm12.create(start, {}).api.LMSGetErrorString(405)"
    texts = page.evaluate(
        f"(start) => [{old}, made.api.GetErrorString('408'), made.api.GetErrorString('9')]", START
    )

    assert texts == ["Incorrect Data Type", "Data Model Dependency Not Established", ""]


def test_commit_and_finish_reach_the_player(run: Any, page: Any) -> None:
    run("1.2", [INIT_12, ("LMSCommit", ""), ("LMSFinish", "")])

    assert page.evaluate("told") == ["commit", "finish"]
