"""The properties of a kind of LMS; no other code asks which LMS it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.sentences import coded
from ..lti.values import LmsResult
from .readings import HeldGrade, Outgoing, Reading, Verdict, judge_reading, read_cell
from .score_replies import Outcome, Reply

if TYPE_CHECKING:
    from ..core.config import PassbackSettings
    from .tool_definition import ToolDefinition

LMS_FAILED = coded("lms_failed", "The LMS answered {status}; it is tried again.")
LMS_REFUSED = coded("lms_refused", "The LMS refused the score (it answered {status}).")
# Custom parameter that Canvas fills in when an admin acts as another user.
MASQUERADING = "masquerading_user"


@dataclass(frozen=True)
class Submission:
    """The attempt that a score belongs to.

    `is_new`: no score of this attempt was accepted yet. `submitted_at` is RFC 3339, the same for
    every score of an attempt.
    """

    is_new: bool
    submitted_at: str | None


def _nothing(_: Submission) -> dict[str, Any]:
    return {}


def _own_host_only(_issuer_host: str, _host: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Lms:
    """One kind of LMS.

    `key` names it in rows, commands and `templates/lms/<key>/`; `label` for people, `name` within
    a sentence. `family_codes` are what it calls itself in a dynamic registration
    (product_family_code, LTI DR 1.0 section 2.1).
    `read_reply` says what an answer to a score means; `parallel_posts` how many scores one process
    posts to it at a time; `results_per_page` how many results are asked for at once, None where the
    LMS gives a list whole or refuses the question; `rescales`: a column that got another maximum
    shows its grades on that scale, beside the maximum of before; `score_extension` what it wants in
    a score beside the fields of AGS 2.0.
    `may_serve(issuer_host, host)` tells whether another host belongs to an issuer.
    `placements` and `registration_extras` go into a dynamic registration;
    `configuration` makes the JSON that an admin's form takes, for an LMS that has such a form.
    """

    key: str
    label: str
    name: str
    family_codes: frozenset[str]
    read_reply: Callable[[Reply], Outcome]
    parallel_posts: Callable[[PassbackSettings], int]
    read_cell: Callable[[Sequence[LmsResult], str], Reading] = read_cell
    judge_reading: Callable[[HeldGrade, Outgoing], Verdict] = judge_reading
    keeps_overrides: bool = False
    rescales: bool = False
    results_per_page: int | None = None
    score_extension: Callable[[Submission], dict[str, Any]] = _nothing
    may_serve: Callable[[str, str], bool] = _own_host_only
    placements: tuple[str, ...] = ("ContentArea",)
    registration_extras: Mapping[str, Any] = field(default_factory=dict)
    configuration: Callable[[ToolDefinition], dict[str, Any]] | None = None
