"""The grading policy of one activity: the form, a preview of a change, and the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import Form, IntegerField, SelectField
from wtforms.validators import InputRequired, NumberRange

from ..console.platforms.forms import (
    TEACHER_GRADE,
    TEACHER_GRADE_HELP,
    or_usual,
)
from ..core.db import db, reading
from ..passback.actions.policy_change import Change, change_policy, merge_policy, preview_policy
from ..registrations.grading import POLICY_PARTS, GradingPolicy, make_policy
from ..registrations.models import ResourceLink
from ..services import Services
from ..web.page_tokens import PageToken
from .actions import record_change
from .activity import LinkFacts, load_facts, require_manager

MOST_ATTEMPTS = 1000


class LinkPolicyForm(Form):
    """An activity's own grading policy; an empty choice means the platform's."""

    answer = SelectField("Which attempt is the grade")
    completion = SelectField("Completed without a score")
    partial = SelectField("Unfinished attempts")
    teacher_grade = SelectField(TEACHER_GRADE, description=TEACHER_GRADE_HELP)
    attempts = IntegerField(
        "How many attempts a learner has",
        [
            InputRequired("Fill this in: 0 is no limit."),
            NumberRange(0, MOST_ATTEMPTS, f"A number from 0 to {MOST_ATTEMPTS}."),
        ],
        description="0: no limit. A further attempt is offered when the one before is finished.",
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )

    def __init__(self, usual: GradingPolicy, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        for field in (self.answer, self.completion, self.partial, self.teacher_grade):
            field.choices = or_usual("As usual in this LMS", getattr(usual, field.name))

    @property
    def changes(self) -> dict[str, str | None]:
        """The chosen policy; None removes a value."""
        return {name: self[name].data or None for name in POLICY_PARTS}


@dataclass(frozen=True)
class PolicyPage:
    """The page: its form, and the effect of a valid choice (None before a choice)."""

    facts: LinkFacts
    form: LinkPolicyForm
    changes: Sequence[Change] | None


def load_policy(services: Services, page: PageToken, chosen: Any) -> PolicyPage:
    """Return the form with the activity's policy, or with what was `chosen` and its effect.

    `chosen` are the values of a form. Raises PageRefused.
    """
    facts, form = _open(services, page, chosen)
    if not chosen or not form.validate():
        return PolicyPage(facts, form, None)
    with reading():
        link = db.session.get_one(ResourceLink, facts.link_id)
        changes = preview_policy(services, link, form.changes)
    return PolicyPage(facts, form, changes)


def keep_policy(services: Services, page: PageToken, chosen: Any) -> PolicyPage | None:
    """Store a policy and let all grades of the activity be decided again. Commits.

    Returns the page with errors for invalid values, else None. Raises PageRefused.
    """
    facts, form = _open(services, page, chosen)
    if not form.validate():
        return PolicyPage(facts, form, None)
    link = db.session.get_one(ResourceLink, facts.link_id)
    link.attempts_allowed = form.attempts.data or 0
    words = ", ".join(f"{name} {value or 'as usual'}" for name, value in form.changes.items())
    attempts = f"{form.attempts.data or 'no limit of'} attempts"
    said = f"set the grading policy: {words}; {attempts}"
    record_change(services, page, "policy", link.id, said)
    if merge_policy(link, form.changes) != (link.grading_policy or {}):
        change_policy(services, link, form.changes)
    db.session.commit()
    return None


def _open(services: Services, page: PageToken, chosen: Any) -> tuple[LinkFacts, LinkPolicyForm]:
    require_manager(page)
    with reading():
        facts = load_facts(page)
        link = db.session.get_one(ResourceLink, facts.link_id)
        platform = link.deployment.platform
        usual = make_policy(services.settings.passback.policy, platform.grading_policy)
        own = {name: (link.grading_policy or {}).get(name, "") for name in POLICY_PARTS}
        form = LinkPolicyForm(usual, chosen or None, attempts=link.attempts_allowed, **own)
    return facts, form
