"""Each rule that the practice LMS takes from a real one, beside where the rule was found."""

import json
from typing import Any

import pytest

from lti_sandbox.practice_lms.ags import ITEM_TYPE
from lti_sandbox.practice_lms.scopes import ALL_SCOPES
from tests.lti_sandbox.lms.conftest import CLIENT, Lms
from tests.lti_sandbox.lms.scene import (
    ENDPOINT,
    Scene,
    Step,
    activity,
    columns,
    course,
    extended,
    grades,
    moment,
    narrowed,
    platform,
    post,
)
from tests.mini_platform import captured

MEASURED = "measured on Moodle 4.5.6"
CANVAS = "https://github.com/instructure/canvas-lms/blob/master/app"
SCORES = f"{CANVAS}/controllers/lti/ims/scores_controller.rb"
RESULTS = f"{CANVAS}/controllers/lti/ims/results_controller.rb"
RESULT = f"{CANVAS}/models/lti/result.rb"
SERIALIZER = f"{CANVAS}/serializers/lti/ims/results_serializer.rb"
SUBMISSION = f"{CANVAS}/models/submission.rb"
GUARDS = f"{CANVAS}/controllers/lti/ims/concerns/gradebook_services.rb"
GRADE_ITEM = "https://github.com/moodle/moodle/blob/MOODLE_405_STABLE/lib/grade/grade_item.php"
MADE = {"new_submission": True, "submission_type": "external_tool"}


def rule(source: str, steps: list[Step], sentence: str, **seen: Any) -> Any:
    """One row: its source, what happens, and what is seen then."""
    return pytest.param(source, steps, seen, id=sentence)


MOODLE_RULES = [
    rule(
        MEASURED,
        [post(80), activity(points=50)],
        "a new maximum rescales the grade, beside the maximum of before",
        score=40,
        raw=40,
        result="40 of 100",
    ),
    rule(
        MEASURED,
        [post(80), grades(score=95), post(90)],
        "an overridden cell answers 200 and keeps its value",
        statuses=[200, 200, 200],
        score=95,
        raw=90,
        result="95 of 100",
    ),
    rule(
        MEASURED,
        [grades(score=95), post(90, timestamp=moment(0))],
        "the time of an override guards the cell",
        statuses=[200, 409],
        score=95,
        raw=None,
    ),
    rule(
        MEASURED,
        [grades(score=95), post(90), grades(override=False)],
        "an override taken back leaves its value",
        score=95,
        raw=90,
    ),
    rule(
        MEASURED,
        [grades(score=95), post(90), grades(override=False), post(91)],
        "the next score after an override counts",
        score=91,
        raw=91,
    ),
    rule(
        GRADE_ITEM,
        [grades(score=95), post(90), post(None, gradingProgress="NotReady")],
        "a wipe leaves an overridden value",
        score=95,
        raw=None,
    ),
    rule(
        MEASURED,
        [activity(grade_type_none=True), post(80)],
        "grade type None takes a score and shows none",
        statuses=[200, 200],
        score=None,
        raw=80,
        result="no score",
        item_status=(200, ""),
    ),
    rule(
        MEASURED,
        [post(80), activity(grade_type_none=True), activity(grade_type_none=False), post(81)],
        "a column with points again takes the next score",
        score=81,
    ),
    rule(
        MEASURED,
        [course(locked=True), post(80)],
        "a locked cell answers 500 and a list",
        statuses=[200, 500],
        text="[]",
        score=None,
    ),
    rule(
        MEASURED,
        [post(80), post(None, gradingProgress="NotReady")],
        "a wiped grade has no time and no entry",
        statuses=[200, 200],
        score=None,
        result="no row",
    ),
    rule(
        MEASURED,
        [post(80), course(unenrolled=["alice"]), post(81)],
        "a learner who left is refused",
        statuses=[200, 200, 400],
    ),
    rule(
        MEASURED,
        [post(80), course(unenrolled=["alice"]), course(unenrolled=[])],
        "grades of who left are gone",
        score=None,
        result="no row",
    ),
    rule(
        MEASURED,
        [course(unenrolled=["alice"]), course(unenrolled=[]), post(82)],
        "a learner who came back gets grades",
        score=82,
    ),
    rule(
        MEASURED,
        [activity(accepts_grades=False)],
        "a column without grades is not claimed",
        claimed="absent",
    ),
    rule(
        MEASURED,
        [activity(accepts_grades=False), activity(accepts_grades=True), post(80)],
        "grades off and on leave no claim",
        claimed="absent",
        item_status=(200, ""),
        score=None,
        raw=80,
    ),
]

CANVAS_RULES = [
    rule(
        RESULT,
        [post(85)],
        "a tool's score is echoed as it was sent",
        score=8.5,
        result="85 of 100",
    ),
    rule(
        RESULT,
        [post(85), grades(score=9)],
        "a person's change is scaled to the tool's maximum",
        score=9,
        result="90 of 100",
    ),
    rule(
        RESULT,
        [post(80), grades(score=8)],
        "the same score saved again is scaled twice",
        score=8,
        result="800 of 100",
    ),
    rule(
        RESULT,
        [post(85), grades(score=9), post(70)],
        "a later score is an echo again",
        score=7,
        result="70 of 100",
    ),
    rule(
        SERIALIZER,
        [extended(85, **MADE)],
        "a tool's row carries the extension as sent",
        extension=MADE,
    ),
    rule(SERIALIZER, [post(85)], "a post without extension leaves none", extension=None),
    rule(
        SUBMISSION,
        [grades(score=9)],
        "a grade typed before any post has a row",
        result="9 of 10",
        extension=None,
    ),
    rule(
        SUBMISSION,
        [platform(older_canvas=True), grades(score=9)],
        "older Canvas has no row for a typed grade",
        score=9,
        result="no row",
    ),
    rule(SUBMISSION, [post(85), grades(score=None)], "a cleared grade", result="no score"),
    rule(
        SUBMISSION,
        [post(85), grades(excused=True)],
        "an excused learner loses the score",
        score=None,
        result="no score",
    ),
    rule(SUBMISSION, [grades(excused=True)], "excused before any score", result="no row"),
    rule(
        SCORES,
        [grades(excused=True), post(85)],
        "a score takes an excuse back",
        statuses=[200, 200],
        score=8.5,
        result="85 of 100",
    ),
    rule(
        SCORES,
        [post(85, timestamp=moment(1e9)), grades(score=9), post(70, timestamp=moment(1e9))],
        "a teacher's change leaves the result's time",
        statuses=[200, 200, 200],
        score=7,
    ),
    rule(
        SCORES,
        [grades(score=9), extended(85, prioritize_non_tool_grade=True)],
        "a grade that stands is kept when asked",
        statuses=[200, 200],
        score=9,
        result="850 of 100",
    ),
    rule(
        SCORES,
        [post(70), extended(85, prioritize_non_tool_grade=True)],
        "the tool's own score is kept too",
        statuses=[200, 200],
        score=7,
        result="85 of 100",
    ),
    rule(
        SCORES,
        [extended(85, prioritize_non_tool_grade=True)],
        "an empty cell takes a score that would yield",
        score=8.5,
    ),
    rule(
        SCORES,
        [
            platform(older_canvas=True),
            grades(score=9),
            extended(85, prioritize_non_tool_grade=True),
        ],
        "older Canvas overwrites all the same",
        score=8.5,
        result="85 of 100",
    ),
    rule(
        SCORES,
        [post(70), extended(None, preserve_score=True)],
        "a preserved grade stays without a score",
        statuses=[200, 200],
        score=7,
        result="no score",
    ),
    rule(
        SCORES,
        [post(70), extended(85, preserve_score=True)],
        "a preserved grade stays beside a score",
        score=7,
        result="85 of 100",
    ),
    rule(
        SCORES,
        [post(70), post(None, gradingProgress="NotReady", activityProgress="InProgress")],
        "progress without a score clears the grade",
        score=None,
        result="no score",
    ),
    rule(
        SCORES,
        [post(70), course(grade_refused="closed_period"), post(85)],
        "a closed grading period refuses a grade",
        statuses=[200, 200, 422],
        text=json.dumps(
            {
                "errors": [
                    {
                        "field": "grade",
                        "message": "cannot be changed at this time: "
                        "This assignment is in a closed grading period for this student",
                    }
                ]
            }
        ),
        score=7,
        result="70 of 100",
        attempts=2,
    ),
    rule(
        SUBMISSION,
        [post(70), course(grade_refused="not_assigned"), post(70)],
        "a grade that would not change is not refused",
        statuses=[200, 200, 200],
    ),
    rule(
        RESULTS,
        [post(85), course(grade_refused="unpublished")],
        "an unpublished course shows no results",
        result="no row",
    ),
    rule(
        RESULTS,
        [post(85), course(unenrolled=["alice"])],
        "results of an inactive student are empty",
        result="no row",
    ),
    rule(
        GUARDS,
        [post(85), course(unenrolled=["alice"]), post(86)],
        "an inactive student is refused",
        statuses=[200, 200, 422],
    ),
    rule(
        GUARDS,
        [post(85), course(unenrolled=["alice"]), course(unenrolled=[])],
        "grades of who comes back are there again",
        score=8.5,
        result="85 of 100",
    ),
]


@pytest.mark.parametrize(("source", "steps", "seen"), MOODLE_RULES)
def test_moodle(moodle: Lms, source: str, steps: list[Step], seen: dict[str, Any]) -> None:
    check(Scene(moodle), source, steps, seen)


@pytest.mark.parametrize(("source", "steps", "seen"), CANVAS_RULES)
def test_canvas(canvas: Lms, source: str, steps: list[Step], seen: dict[str, Any]) -> None:
    check(Scene(canvas, points=10), source, steps, seen)


def check(scene: Scene, source: str, steps: list[Step], seen: dict[str, Any]) -> None:
    for step in steps:
        step(scene)

    assert {name: scene.see(name) for name in seen} == seen, source


def test_moodle_entry_has_the_recorded_members(moodle: Lms) -> None:
    """Compared with an entry that a real Moodle gave."""
    (recorded,) = next(
        entry["response"]["body"]
        for entry in captured("ags_scores_results.json")
        if entry["name"] == "results_after_85"
    )
    scene = Scene(moodle)
    scene.post(85, comment="Good")

    (entry,) = scene.entries()

    assert set(entry) == set(recorded)
    assert entry["id"] == f"{scene.item_url()}&user_id={scene.sub}".replace(
        "/lineitem?", "/lineitem/results?"
    )


def test_canvas_shows_the_last_comment(canvas: Lms) -> None:
    """Each post adds a comment to the gradebook; a result keeps one:
    https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb
    """
    scene = Scene(canvas)

    scene.post(70, comment="Good")
    scene.post(80, comment="Good")
    scene.post(85)

    ((_, cell),) = canvas.state.cells.items()
    assert [entry["comment"] for entry in scene.entries()] == ["Good"]
    assert cell.comment == "Good\nGood"


@pytest.mark.parametrize(
    ("name", "moodle_status", "canvas_status"),
    [
        ("activityProgress", 200, 400),
        ("gradingProgress", 200, 400),
        ("timestamp", 400, 400),
        ("userId", 502, 422),
        ("scoreGiven", 400, 400),
    ],
    ids=["activityProgress", "gradingProgress", "timestamp", "userId", "scoreGiven"],
)
def test_list_in_the_place_of_a_value(
    lms: Lms, name: str, moodle_status: int, canvas_status: int
) -> None:
    scene = Scene(lms)

    scene.post(**{"given": 70, name: ["FullyGraded"]})

    assert scene.statuses == [{"moodle": moodle_status, "canvas": canvas_status}[lms.dialect]]


def test_canvas_answers_where_the_result_is(canvas: Lms) -> None:
    """https://canvas.instructure.com/doc/api/score.html"""
    scene = Scene(canvas)

    scene.post(85)

    (entry,) = scene.entries()
    assert json.loads(scene.texts[-1]) == {"resultUrl": entry["id"]}


def test_canvas_grades_in_the_first_column_alone(canvas: Lms) -> None:
    """https://github.com/instructure/canvas-lms/blob/master/app/models/lti/line_item.rb"""
    scene = Scene(canvas, line_item="two")
    scene.post(70)

    scene.column = 1
    scene.post(85)
    shown = scene.see_result()

    scene.column = 0
    assert (scene.statuses, shown) == ([200, 200], "85 of 100")
    assert (scene.see_score(), scene.see_attempts(), scene.see_result()) == (70, 1, "70 of 100")


# Columns (measured on Moodle 4.5.6; Canvas: an assignment that was deleted and undeleted)


def test_deleted_column_is_not_found(lms: Lms) -> None:
    scene = Scene(lms)
    scene.post(80)
    columns("DELETE")(scene)

    assert scene.item_status()[0] == 404
    assert (scene.item_status()[1] == "") is (lms.dialect == "canvas")


def test_restored_column_has_id_and_grades(lms: Lms) -> None:
    scene = Scene(lms)
    scene.post(80)
    before = scene.item_url()

    columns("DELETE")(scene)
    columns("POST", "/restore")(scene)

    assert scene.item_url() == before
    assert (scene.see_score(), scene.see_result()) == (80, "80 of 100")
    assert scene.see_claims_the_column()


def test_column_made_anew_is_empty(lms: Lms) -> None:
    scene = Scene(lms)
    scene.post(80)
    before = scene.item_url()

    columns("POST", "/remake")(scene)

    assert scene.item_url() != before
    assert (scene.see_score(), scene.see_result()) == (None, "no row")
    assert scene.see_claims_the_column()


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("DELETE", "line-items/77", {}, "There is no activity '77'."),
        ("POST", "line-items/77/restore", {}, "There is no activity '77'."),
        ("POST", "line-items/77/remake", {}, "There is no activity '77'."),
        ("PUT", "grades", {"activity": "77", "person": "alice"}, "There is no activity '77'."),
        ("PUT", "grades", {"activity": "77", "person": "zoe"}, "There is no person 'zoe'."),
        ("PUT", "tools/77", {"scopes": []}, "There is no tool '77'."),
    ],
    ids=["delete", "restore", "remake", "grade", "person", "tool"],
)
def test_control_names_what_is_missing(
    lms: Lms, method: str, path: str, body: dict[str, Any], sentence: str
) -> None:
    answer = lms.web.open(f"/control/{path}", method=method, json=body)

    assert (answer.status_code, answer.json) == (404, {"error": sentence})


def test_nothing_to_restore_is_a_sentence(lms: Lms) -> None:
    scene = Scene(lms)

    columns("POST", "/restore")(scene)

    assert scene.statuses == [404]


def test_line_item_without_content_type(lms: Lms) -> None:
    """Media types are strict (measured on Moodle 4.5.6)."""
    url = lms.web.get("/control/platform").json["line_items_url"]

    assert lms.call("POST", url, lms.token(), data=b"{}").status_code == 400
    assert ITEM_TYPE not in lms.state.line_items


# Copies with grades (measured on Moodle 4.5.6: recycle bin, and restore with users)


def test_course_restored_with_users_has_grades(moodle: Lms) -> None:
    scene = Scene(moodle)
    scene.post(80)
    before = scene.activity, scene.item_url()

    (copy,) = scene.control("POST", "course-copy", grades=True)["activities"]

    scene.activity = copy["id"]
    assert scene.activity != before[0] and scene.item_url() != before[1]
    assert (scene.see_score(), scene.see_result()) == (80, "80 of 100")


def test_activity_from_the_bin_has_grades(moodle: Lms) -> None:
    scene = Scene(moodle)
    scene.post(80)
    before = scene.activity, scene.item_url()

    scene.activity = scene.control("POST", f"activities/{scene.activity}/restore")["id"]

    assert before[0] not in moodle.state.activities
    assert scene.activity != before[0] and scene.item_url() != before[1]
    assert (scene.see_score(), scene.see_result()) == (80, "80 of 100")
    assert scene.see_claims_the_column()


def test_plain_copy_has_no_grades(lms: Lms) -> None:
    scene = Scene(lms)
    scene.post(80)

    (copy,) = scene.control("POST", "course-copy")["activities"]

    scene.activity = copy["id"]
    assert (scene.see_score(), scene.see_result()) == (None, "no row")


def test_canvas_copies_no_grades(canvas: Lms) -> None:
    scene = Scene(canvas)

    scene.control("POST", "course-copy", grades=True)
    scene.control("POST", f"activities/{scene.activity}/restore")

    assert scene.statuses == [400, 400]


def test_switched_off_grades_are_found_by_link(moodle: Lms) -> None:
    """Measured on Moodle 4.5.6: `lineitems` has what the claim lacks."""
    scene = Scene(moodle)

    activity(accepts_grades=False)(scene)
    activity(accepts_grades=True)(scene)

    assert scene.found_items() == [scene.item_url()]


# The order of Canvas's checks: each row breaks what stands before it in the table below, too.

BROKEN: list[tuple[str, dict[str, Any], int, str]] = [
    ("attempts", {}, 422, "number of allowed attempts"),
    ("submittedAt", {"submission": {"submittedAt": "soon"}}, 400, "submitted_at timestamp of soon"),
    ("scoreGiven", {"scoreGiven": -1}, 422, "ScoreGiven must be"),
    ("scoreMaximum", {"scoreMaximum": None}, 422, "ScoreMaximum not supplied"),
    ("timestamp", {"timestamp": "2020-01-01T00:00:00Z"}, 400, "before last updated timestamp of"),
    ("fields", {"gradingProgress": None}, 400, "gradingProgress"),
    ("user", {"userId": "nobody"}, 422, "User not found in course or is not a student"),
]


@pytest.mark.parametrize("count", range(1, len(BROKEN) + 1), ids=[row[0] for row in BROKEN])
def test_canvas_checks_in_order(canvas: Lms, count: int) -> None:
    """https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb"""
    scene = Scene(canvas)
    scene.post(70)
    course(attempts_allowed=1)(scene)
    changes: dict[str, Any] = {}
    for _, change, _, _ in BROKEN[:count]:
        changes |= change

    scene.post(changes.pop("scoreGiven", 85), changes.pop("scoreMaximum", 100), **changes)

    _, _, status, text = BROKEN[count - 1]
    assert scene.statuses[-1] == status
    assert text in scene.texts[-1]
    assert scene.see_score() == 70


def test_canvas_counts_a_submission_that_is_there(canvas: Lms) -> None:
    """The check of attempts does not look whether this submittedAt was stored before:
    https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb
    """
    scene = Scene(canvas)
    course(attempts_allowed=1)(scene)
    submitted = {"submission": {"submittedAt": "2026-11-02T09:00:00.000Z"}}

    scene.post(70, **submitted)
    scene.post(80, **submitted)
    extended(85, new_submission=False)(scene)

    assert scene.statuses[1:] == [200, 422, 200]
    assert scene.see_attempts() == 1


def test_canvas_takes_the_same_time_for_one_attempt(canvas: Lms) -> None:
    """https://github.com/instructure/canvas-lms/blob/master/app/models/submission.rb"""
    scene = Scene(canvas)
    submitted = {"submission": {"submittedAt": "2026-11-02T09:00:00.000Z"}}

    scene.post(70, **submitted)
    scene.post(80, **submitted)

    assert scene.see_attempts() == 1


@pytest.mark.parametrize(
    ("older", "query", "found"),
    [
        (False, {"user_id": "sub"}, 1),
        (False, {"user_id": "number"}, 1),
        (False, {"user_id": "nobody"}, 0),
        (False, {"user_id": "ben"}, 0),
        (False, {"user_id": "test"}, 0),
        (True, {"user_id": "sub"}, 0),
        (True, {"user_id": "number"}, 1),
        (True, {"user_id": "sub", "userId": "sub"}, 1),
    ],
    ids=[
        "uuid",
        "number",
        "unknown user",
        "learner without a grade",
        "test student",
        "older, uuid",
        "older, number",
        "older, uuid in userId",
    ],
)
def test_canvas_filters_results(
    canvas: Lms, older: bool, query: dict[str, str], found: int
) -> None:
    """https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/concerns/gradebook_services.rb"""
    scene = Scene(canvas)
    scene.post(70)
    platform(older_canvas=older)(scene)
    people = canvas.state.people
    names = {"sub": scene.sub, "number": people["alice"].number, "nobody": "nobody"}
    names |= {"ben": people["ben"].sub, "test": people["test"].sub}

    entries = scene.entries(**{name: names[value] for name, value in query.items()})

    assert [entry["userId"] for entry in entries] == [scene.sub] * found


@pytest.mark.parametrize(("older", "status"), [(False, 422), (True, 404)], ids=["newer", "older"])
def test_concluded_course_refuses_reads(canvas: Lms, older: bool, status: int) -> None:
    """https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/concerns/advantage_services.rb"""
    scene = Scene(canvas)
    platform(older_canvas=older)(scene)
    course(concluded=True)(scene)

    scene.post(70)

    assert (scene.item_status()[0], scene.statuses[-1]) == (status, status)


# Outages (measured on Moodle 4.5.6)


@pytest.mark.parametrize(
    ("change", "status", "retry"),
    [({"maintenance": True}, 503, "300"), ({"database_down": True}, 500, None)],
    ids=["maintenance", "no database"],
)
def test_outage_answers_html(
    moodle: Lms, change: dict[str, Any], status: int, retry: str | None
) -> None:
    scene = Scene(moodle)
    moodle.act_as("alice")

    course(**change)(scene)

    answers = [
        moodle.call("GET", scene.item_url(), scene.token),
        moodle.ask_token("any"),
        moodle.web.get("/mod/lti/certs.php"),
        moodle.web.get(f"/activities/{scene.activity}/launch"),
    ]
    assert [answer.status_code for answer in answers] == [status] * 4
    assert {answer.headers.get("Retry-After") for answer in answers} == {retry}
    assert all(answer.mimetype == "text/html" for answer in answers)
    assert moodle.web.get("/").status_code == 200


def test_outage_ends(lms: Lms) -> None:
    scene = Scene(lms)

    course(maintenance=True)(scene)
    course(database_down=False)(scene)
    scene.post(80)
    course(maintenance=False)(scene)
    scene.post(80)

    assert scene.statuses == [200, 200, 503, 200, 200]


# Narrowed scopes


def test_narrowed_scopes_are_in_the_launch(lms: Lms) -> None:
    scene = Scene(lms)
    narrowed("score", "lineitem.readonly")(scene)
    lms.act_as("alice")

    claims = lms.claims(f"/activities/{scene.activity}/launch")

    shown = [scope.rpartition("/")[2] for scope in claims[ENDPOINT]["scope"]]
    assert shown == ["score", "lineitem.readonly"]


def test_no_scope_takes_the_services_away(lms: Lms) -> None:
    scene = Scene(lms)
    narrowed()(scene)
    lms.act_as("alice")

    assert ENDPOINT not in lms.claims(f"/activities/{scene.activity}/launch")


@pytest.mark.parametrize("scopes", [[], ["score"]], ids=["none", "one"])
def test_token_after_scopes_were_narrowed(lms: Lms, scopes: list[str]) -> None:
    """Moodle drops what is not granted (measured); Canvas refuses the whole request:
    https://github.com/instructure/canvas-lms/blob/master/lib/canvas/oauth/invalid_scope_error.rb
    """
    narrowed(*scopes)(Scene(lms))

    answer = lms.ask_token(lms.assertion(), ALL_SCOPES)

    if lms.dialect == "moodle" and scopes:
        assert json.loads(answer.text)["scope"].rpartition("/")[2] == "score"
        return
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    told = answer.json.get("error_description", "")
    assert ("requested, but not granted" in told) is (lms.dialect == "canvas")


def test_scope_that_does_not_exist(lms: Lms) -> None:
    answer = lms.web.put(f"/control/tools/{CLIENT}", json={"scopes": ["everything"]})

    assert answer.status_code == 400
    assert "There is no scope 'everything'" in answer.json["error"]
