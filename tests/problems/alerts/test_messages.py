"""What messages say, and that nothing an LMS calls itself becomes markup."""

import json
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from lti_bridge.problems.alerts import mail
from lti_bridge.problems.alerts.decide import BEGAN, DIGEST, ENDED, TEST, AlertLine, line_of
from lti_bridge.problems.alerts.messages import (
    LISTED_AT_MOST,
    AlertNews,
    as_json,
    as_slack,
    as_teams,
    say_subject,
    say_text,
)
from tests.problems.alerts.makers import NOW, make_problem

CONSOLE = "http://bridge.example/console/problems/"
HOSTILE = 'X\r\nBcc: all@evil.example\n\n<!channel> & "@all" [here](https://evil.example)'


def news(event: str = BEGAN, *lines: AlertLine, grades: int = 0) -> AlertNews:
    told = lines or (line_of(make_problem(learners=3, detail="It answered 403.")),)
    told = () if event == TEST else told
    return AlertNews(event, "d" * 32, NOW, CONSOLE, told, grades)


def test_says_what_since_whom_and_how() -> None:
    assert say_subject(news()) == "LTI Bridge: School 1 refuses grades."
    assert say_text(news()) == (
        "School 1 refuses grades.\nIt answered 403.\nSince 2026-11-02 07:00 UTC.\n"
        "3 learners wait for it.\nAn admin of the LMS: Unlock the column.\n\n"
        f"All problems: {CONSOLE}"
    )


def test_end_says_how_long_it_lasted() -> None:
    over = replace(line_of(make_problem()), ended_at=NOW)

    assert say_subject(news(ENDED, over)) == "LTI Bridge, over: School 1 refuses grades."
    assert "It lasted from 2026-11-02 07:00 UTC to 2026-11-02 09:00 UTC." in say_text(
        news(ENDED, over)
    )
    assert json.loads(as_json(news(ENDED, over)))["problem"]["ended_at"] == "2026-11-02T09:00:00Z"


def test_json_names_the_problem() -> None:
    problem = make_problem(learners=3, detail="It answered 403.")

    assert json.loads(as_json(news())) == {
        "event": "began",
        "id": "d" * 32,
        "sent_at": "2026-11-02T09:00:00Z",
        "problem": {
            "kind": "parked",
            "key": problem.key,
            "what": "School 1 refuses grades.",
            "detail": "It answered 403.",
            "since": "2026-11-02T07:00:00Z",
            "learners": 3,
            "who": "An admin of the LMS",
            "how": "Unlock the column.",
        },
        "console": CONSOLE,
    }


def test_many_are_listed_and_counted() -> None:
    many = [line_of(make_problem(number)) for number in range(LISTED_AT_MOST + 3)]
    told = json.loads(as_json(news(BEGAN, *many)))

    assert say_subject(news(BEGAN, *many)) == "LTI Bridge: 23 problems"
    assert "23 problems began." in say_text(news(BEGAN, *many))
    assert "And 3 more." in say_text(news(BEGAN, *many))
    assert (told["count"], len(told["problems"]), "problem" in told) == (23, 20, False)


def test_digest_comes_when_all_is_well() -> None:
    calm = AlertNews(DIGEST, "d", NOW, CONSOLE, (), 12)

    assert say_subject(calm) == "LTI Bridge: nothing is wrong"
    assert say_text(calm).startswith(
        "In the last 24 hours 12 grades arrived in the LMS. Nothing is open now."
    )
    assert json.loads(as_json(calm))["grades_delivered"] == 12
    assert say_subject(news(DIGEST)) == "LTI Bridge: 1 open problem"
    assert "1 problem is open now." in say_text(news(DIGEST, grades=1))


def test_test_says_that_it_is_one() -> None:
    assert "This is a test." in say_text(news(TEST))
    assert json.loads(as_json(news(TEST))).keys() == {"event", "id", "sent_at", "console"}


def hostile() -> AlertNews:
    return news(BEGAN, line_of(make_problem(what=HOSTILE, detail=HOSTILE * 100, how=HOSTILE)))


def test_hostile_text_breaks_no_header_and_no_line() -> None:
    message = mail.compose(
        "bridge@school.example",
        ["olga@school.example"],
        say_subject(hostile()),
        say_text(hostile()),
        message_id="d@bridge.example",
        at=NOW,
    )

    read: Any = BytesParser(policy=policy.default).parsebytes(message.as_bytes())

    assert read["Bcc"] is None
    assert read["Subject"].startswith("LTI Bridge: X Bcc: all@evil.example")
    assert len(read.get_content().splitlines()) == 6
    assert (read["Message-ID"], read["Auto-Submitted"]) == ("<d@bridge.example>", "auto-generated")
    assert read["Date"].datetime == NOW


def test_hostile_text_is_no_markup_of_slack() -> None:
    told = json.loads(as_slack(hostile()))

    assert told.keys() == {"text"}
    for sign in ("<", ">", "@all", "](", "@evil"):
        assert sign not in told["text"]
    assert "&lt;!channel&gt; &amp;" in told["text"]


def test_hostile_text_is_no_markup_of_teams() -> None:
    (attached,) = json.loads(as_teams(hostile()))["attachments"]

    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attached["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert card["actions"][0]["url"] == CONSOLE


@pytest.mark.parametrize("count", [1, 400], ids=["one line", "many lines"])
def test_cards_stay_small(count: int) -> None:
    """Teams takes 28 KB."""
    long = {"what": "ä" * 9000, "detail": "ä" * 9000, "how": "ä" * 9000}
    lines = [line_of(make_problem(number, **long)) for number in range(count)]

    assert len(as_teams(news(BEGAN, *lines)).encode()) < 28_000
