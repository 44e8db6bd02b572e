"""Canvas: its differences from the specifications; docs/developer/lms/canvas.md has them all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.sentences import coded
from ..lti.values import LmsResult
from . import generic, readings
from .base import MASQUERADING, Lms, Submission
from .score_replies import CompareResult, Outcome, Reply, ScoreRejected, TryLater
from .tool_definition import DESCRIPTION, SCOPES, TITLE, ToolDefinition

if TYPE_CHECKING:
    from ..core.config import PassbackSettings

EXTENSION = "https://canvas.instructure.com/lti/submission"
PREFIX = "https://canvas.instructure.com/lti/"
PLACEMENTS = ("assignment_selection", "link_selection")
THROTTLED_SECONDS = 5.0
# Size of the picker's window.
SELECTION_WIDTH, SELECTION_HEIGHT = 900, 700
# Substituted while an admin acts as another user, and left unchanged otherwise
# (https://canvas.instructure.com/doc/api/file.tools_variable_substitutions.html).
CUSTOM_PARAMETERS = {MASQUERADING: "$Canvas.masqueradingUser.id"}
_ISSUERS = re.compile(r"canvas(\.\w+)?\.instructure\.com")
_HOSTS = re.compile(r"sso(\.[\w-]+)*\.canvaslms\.com|([\w-]+\.)+instructure\.com")
_GRADE_FIELD = re.compile(r'"field"\s*:\s*"grade"|cannot be changed at this time')
FEWER_REQUESTS = coded("canvas_fewer_requests", "Canvas asks for fewer requests.")
_ATTEMPTS = coded("canvas_attempts", "All attempts that the assignment allows are used up.")
_NOT_NOW = coded(
    "canvas_not_now",
    "Canvas does not let this grade be changed at this time: the grading period is closed, the "
    "course is not published, or the assignment is not assigned to the learner.",
)
_CONCLUDED = coded(
    "canvas_concluded",
    "The course has concluded and takes no more grades. When it is reopened, the score is sent.",
)

_NO_COURSE = coded(
    "canvas_no_course", "Canvas does not find the course any more, or it has concluded."
)
_NO_STUDENT = coded(
    "canvas_no_student", "Canvas does not have this user as a student of the course."
)


def read_reply(reply: Reply) -> Outcome:
    """Return what Canvas's reply to a score means; it explains itself in the body.

    Sources: the score service
    (https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb)
    and throttling (https://canvas.instructure.com/doc/api/file.throttling.html: 403, not 429).
    """
    text = reply.excerpt.lower()
    if reply.status == 400 and "timestamp" in text and "before last updated" in text:
        return CompareResult()
    if reply.status == 400:
        return generic.refuse(400)
    if reply.status == 403 and "rate limit" in text:
        wait = reply.retry_after or THROTTLED_SECONDS
        return TryLater(FEWER_REQUESTS, wait, throttled=True)
    if "concluded" in text and reply.status in (404, 422):
        return ScoreRejected(_CONCLUDED)
    if reply.status == 404 and "context" in text:
        return ScoreRejected(_NO_COURSE)
    if reply.status == 422 and "attempts" in text:
        return ScoreRejected(_ATTEMPTS, attempts_full=True)
    if reply.status == 422 and _GRADE_FIELD.search(text):
        return ScoreRejected(_NOT_NOW, attempt_stored=True)
    if reply.status == 422 and "not a student" in text:
        return ScoreRejected(_NO_STUDENT)
    return generic.read_reply(reply)


def read_cell(results: Sequence[LmsResult], sub: str) -> readings.Reading:
    """Return a learner's cell. A sole entry is theirs: after two users were merged it has the id
    of the other one. A row that no tool made lacks our extension's key
    (https://github.com/instructure/canvas-lms/blob/master/app/models/lti/result.rb).
    """
    mine = next((result for result in results if result.user_id == sub), None)
    if mine is None and len(results) == 1:
        (mine,) = results
    if mine is None:
        return readings.read_cell(results, sub)
    cell = readings.to_cell(mine)
    if isinstance(cell, readings.Unclear):
        return cell
    return replace(cell, by_person=EXTENSION not in mine.fields)


def judge_reading(cell: readings.HeldGrade, outgoing: readings.Outgoing) -> readings.Verdict:
    """Return what a reading means. A post would overwrite what a person typed, bring back a grade
    that they cleared, and put a learner under way again whom they excused
    (https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb).
    """
    if cell.by_person and cell.score and outgoing.keeps and not outgoing.sent:
        return readings.stands(readings.HELD, cell.score, outgoing.score_given)
    return readings.judge_reading(cell, outgoing)


def parallel_posts(settings: PassbackSettings) -> int:
    """Return how many scores one process posts at a time.

    Canvas counts what a token's calls cost and holds parallel ones against it
    (https://canvas.instructure.com/doc/api/file.throttling.html). The setting has its older name.
    """
    return settings.parallel_posts_canvas


def score_extension(submission: Submission) -> dict[str, Any]:
    """Return the fields that Canvas reads beside AGS 2.0's.

    https://canvas.instructure.com/doc/api/score.html: `new_submission` makes an attempt, and a
    repeated time makes no second one. Older Canvas reads the time in the extension, newer ones in
    `submission`.

    Newer Canvas also reads `prioritize_non_tool_grade`, and then keeps any score that stands, this
    tool's own too, so that no better attempt would count
    (https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb);
    so it is never sent.
    """
    extension: dict[str, Any] = {
        "new_submission": submission.is_new,
        "submission_type": "external_tool",
    }
    if submission.submitted_at is None:
        return {EXTENSION: extension}
    extension["submitted_at"] = submission.submitted_at
    return {"submission": {"submittedAt": submission.submitted_at}, EXTENSION: extension}


def may_serve(issuer_host: str, host: str) -> bool:
    """Tell whether a host is Canvas's own, for the issuer that all hosted schools have in common.

    https://canvas.instructure.com/doc/api/file.oauth_endpoints.html: sign-in has hosts of its own.
    """
    return bool(_ISSUERS.fullmatch(issuer_host) and _HOSTS.fullmatch(host))


def configuration(tool: ToolDefinition) -> dict[str, Any]:
    """Return the JSON of an LTI developer key
    (https://canvas.instructure.com/doc/api/file.lti_dev_key_config.html).
    """
    placements = [
        {
            "placement": name,
            "message_type": "LtiDeepLinkingRequest",
            "target_link_uri": tool.launch_url,
            "text": TITLE,
        }
        for name in PLACEMENTS
    ]
    extension = {
        "platform": "canvas.instructure.com",
        "domain": tool.domain,
        "tool_id": "lti-bridge",
        "privacy_level": "public",
        "settings": {
            "text": TITLE,
            "selection_width": SELECTION_WIDTH,
            "selection_height": SELECTION_HEIGHT,
            "placements": placements,
        },
    }
    return {
        "title": TITLE,
        "description": DESCRIPTION,
        "oidc_initiation_url": tool.login_url,
        "target_link_uri": tool.launch_url,
        "public_jwk_url": tool.jwks_url,
        "scopes": list(SCOPES),
        "custom_fields": CUSTOM_PARAMETERS,
        "extensions": [extension],
    }


CANVAS = Lms(
    key="canvas",
    label="Canvas",
    name="Canvas",
    family_codes=frozenset({"canvas"}),
    read_reply=read_reply,
    parallel_posts=parallel_posts,
    read_cell=read_cell,
    judge_reading=judge_reading,
    # 10 otherwise (https://canvas.instructure.com/doc/api/file.pagination.html)
    results_per_page=100,
    score_extension=score_extension,
    may_serve=may_serve,
    placements=tuple(PREFIX + name for name in PLACEMENTS),
    registration_extras={
        f"{PREFIX}privacy_level": "public",
        f"{PREFIX}tool_id": "lti-bridge",
        "custom_parameters": CUSTOM_PARAMETERS,
    },
    configuration=configuration,
)
