"""Texts of messages: for e-mail, the bridge's JSON, Slack and Teams.

Sentences may contain names that an LMS chose, so line breaks and markup are escaped. No message
contains personal data of learners.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...core.plain_text import counted, one_line
from .decide import BEGAN, DIGEST, ENDED, TEST, AlertLine

LISTED_AT_MOST = 20
LONGEST = 400
LONGEST_SUBJECT = 150
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class AlertNews:
    """The content of one message; `grades` were delivered in the day before a digest."""

    event: str
    delivery: str
    at: datetime
    console: str
    lines: Sequence[AlertLine] = ()
    grades: int = 0


def say_subject(news: AlertNews) -> str:
    """Return the message as one line."""
    if news.event == TEST:
        return "LTI Bridge: this is a test"
    if news.event == DIGEST:
        open_now = counted(len(news.lines), "open problem") if news.lines else "nothing is wrong"
        return f"LTI Bridge: {open_now}"
    what = _cut(news.lines[0].what, LONGEST_SUBJECT)
    if len(news.lines) > 1:
        what = f"{len(news.lines)} problems"
    return f"LTI Bridge: {what}" if news.event == BEGAN else f"LTI Bridge, over: {what}"


def say_text(news: AlertNews) -> str:
    """Return the message as plain text."""
    return "\n\n".join([*_paragraphs(news), f"All problems: {news.console}"])


def _paragraphs(news: AlertNews) -> list[str]:
    """Return the paragraphs; those of several problems are shortened to keep cards small."""
    tell = _paragraph if len(news.lines) == 1 else _brief
    return [*_lead(news), *map(tell, _listed(news)), *_more(news)]


def _lead(news: AlertNews) -> list[str]:
    if news.event == TEST:
        return ["This is a test. Alerts of this bridge arrive here."]
    if news.event == DIGEST:
        arrived = counted(news.grades, "grade")
        wrong = counted(len(news.lines), "problem") if news.lines else "Nothing"
        verb = "are" if len(news.lines) > 1 else "is"
        return [f"In the last 24 hours {arrived} arrived in the LMS. {wrong} {verb} open now."]
    if len(news.lines) == 1:
        return []
    over = "are over" if news.event == ENDED else "began"
    return [f"{len(news.lines)} problems {over}."]


def _listed(news: AlertNews) -> Sequence[AlertLine]:
    return news.lines[:LISTED_AT_MOST]


def _more(news: AlertNews) -> list[str]:
    left = len(news.lines) - LISTED_AT_MOST
    return [f"And {left} more."] if left > 0 else []


def _brief(line: AlertLine) -> str:
    return f"{_cut(line.what)}\n{_how_long(line)}"


def _how_long(line: AlertLine) -> str:
    if line.ended_at is not None:
        began = f"from {_moment(line.since)} " if line.since else ""
        return f"It lasted {began}to {_moment(line.ended_at)}."
    return f"Since {_moment(line.since)}." if line.since else "It is not known since when."


def _paragraph(line: AlertLine) -> str:
    said = [_cut(line.what)]
    if line.detail:
        said.append(_cut(line.detail))
    said.append(_how_long(line))
    if line.learners:
        said.append(f"{counted(line.learners, 'learner')} {_wait(line.learners)} for it.")
    if line.how:
        said.append(f"{_cut(line.who)}: {_cut(line.how)}" if line.who else _cut(line.how))
    return "\n".join(said)


def _wait(learners: int) -> str:
    return "waits" if learners == 1 else "wait"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _cut(text: str, longest: int = LONGEST) -> str:
    text = one_line(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def as_json(news: AlertNews) -> str:
    """Return the bridge's JSON, with `problem` for one and `problems` for several."""
    told: dict[str, Any] = {"event": news.event, "id": news.delivery, "sent_at": _iso(news.at)}
    problems = [_as_values(line) for line in _listed(news)]
    if news.event in (BEGAN, ENDED) and len(news.lines) == 1:
        told["problem"] = problems[0]
    elif news.event != TEST:
        told |= {"count": len(news.lines), "problems": problems}
    if news.event == DIGEST:
        told["grades_delivered"] = news.grades
    return _dump({**told, "console": news.console})


def _dump(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _as_values(line: AlertLine) -> dict[str, Any]:
    values: dict[str, Any] = {
        "kind": str(line.kind),
        "key": line.key,
        "what": _cut(line.what),
        "detail": _cut(line.detail),
        "since": _iso(line.since) if line.since else None,
        "learners": line.learners,
        "who": _cut(line.who),
        "how": _cut(line.how),
    }
    return values if line.ended_at is None else {**values, "ended_at": _iso(line.ended_at)}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def as_slack(news: AlertNews) -> str:
    """Return a message for Slack, Mattermost, Rocket.Chat or Google Chat.

    Slack requires three characters to be escaped. A zero-width space keeps Mattermost from
    notifying @all and from rendering [Markdown](links).
    """
    text = f"{say_subject(news)}\n\n{say_text(news)}"
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, instead)
    return _dump({"text": text.replace("@", "@\u200b").replace("](", "]\u200b(")})


def as_teams(news: AlertNews) -> str:
    """Return an Adaptive Card in a message, as webhooks of Teams workflows require it.

    Text runs show plain text; text blocks would render Markdown.
    """
    body = [_rich(say_subject(news), weight="bolder", size="medium")]
    body += map(_rich, _paragraphs(news))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "All problems", "url": news.console}],
    }
    attachment = {"contentType": CARD, "contentUrl": None, "content": card}
    return _dump({"type": "message", "attachments": [attachment]})


def _rich(text: str, **look: str) -> dict[str, Any]:
    runs = [{"type": "TextRun", "text": text, **look}]
    return {"type": "RichTextBlock", "inlines": runs}
