"""The views behind an activity's page: one learner, resending, gradebook, policy, file."""

from typing import Any

from flask import Blueprint, Response, request

from ..console.platforms.forms import LISTED
from ..core.errors import PageRefused, Reason, Refused
from ..registrations.grading import POLICY_PARTS
from ..services import Services
from ..web.csv_files import send_csv
from ..web.frames import frame_origins
from ..web.page_tokens import PageToken, read_page
from ..web.pages import render_page
from ..web.refusals import refusing
from .actions import COMPARED, act_on, compare, find_to_resend, leave, load_gradebook, resend_many
from .activity import LinkFacts, load_everybody, require_manager
from .export_csv import write_scores
from .grading_form import PolicyPage, keep_policy, load_policy
from .submission_review import load_learner_of
from .views import SAID, see, show_review

blueprint = Blueprint("link_pages", __name__, url_prefix="/console/link")

POLICY_FIELDS = (*POLICY_PARTS, "attempts")


@blueprint.get("/learner")
@refusing
def learner(services: Services) -> Response:
    """One learner of the activity: attempts, history, and actions."""
    token = request.args.get("page", "")
    page = read_page(services, token)
    shown = load_learner_of(services, page, number_of(request.args.get("learner", "")))
    return show_review(page, shown, token, back_to_link=True)


@blueprint.get("/learner/resend")
@refusing
def ask_resend(services: Services) -> Response:
    """Ask for confirmation to send one grade again."""
    token = request.args.get("page", "")
    page = read_page(services, token)
    require_manager(page)
    shown = load_learner_of(services, page, number_of(request.args.get("learner", "")))
    return _show("instructor/resend.html", page, shown.facts, token, learner=shown)


@blueprint.post("/learner")
@refusing
def act(services: Services) -> Response:
    """Carry out a button of a learner's grade."""
    token, action = request.form.get("page", ""), request.form.get("action", "")
    page = read_page(services, token)
    learner_id = number_of(request.form.get("learner", ""))
    try:
        act_on(services, page, learner_id, action)
        said = action
    except Refused:  # the page was outdated
        said = "late"
    return see("link_pages.learner", token, learner=learner_id, said=said)


@blueprint.get("/resend")
@refusing
def ask_resend_many(services: Services) -> Response:
    """Show how many grades would be sent again, and ask for confirmation."""
    token, which = request.args.get("page", ""), request.args.get("which", "")
    page = read_page(services, token)
    facts, grade_ids = find_to_resend(services, page, which)
    return _show(
        *("instructor/resend.html", page, facts, token),
        which=which,
        count=len(grade_ids),
        compared=COMPARED,
    )


@blueprint.post("/resend")
@refusing
def resend(services: Services) -> Response:
    """Send many grades again."""
    token = request.form.get("page", "")
    which = request.form.get("which", "")
    resend_many(services, read_page(services, token), which)
    back = "link_pages.gradebook" if which in COMPARED else "console.link"
    return see(back, token, said="resent")


@blueprint.get("/gradebook")
@refusing
def gradebook(services: Services) -> Response:
    """The newest comparison with the gradebook, and the actions on it."""
    token = request.args.get("page", "")
    page = read_page(services, token)
    facts, found = load_gradebook(page)
    said = SAID.get(request.args.get("said", ""))
    may_change = page.visitor.manages
    return _show(
        *("instructor/gradebook.html", page, facts, token),
        found=found,
        said=said,
        may_change=may_change,
    )


@blueprint.post("/gradebook/compare")
@refusing
def compare_now(services: Services) -> Response:
    """Compare the activity with its gradebook, and go to the result."""
    token = request.form.get("page", "")
    compare(services, read_page(services, token))
    return see("link_pages.gradebook", token)


@blueprint.post("/gradebook/leave")
@refusing
def leave_lost(services: Services) -> Response:
    """Mark the grades that the gradebook has lost as left."""
    token = request.form.get("page", "")
    leave(services, read_page(services, token))
    return see("link_pages.gradebook", token, said="left")


@blueprint.get("/policy")
@refusing
def policy(services: Services) -> Response:
    """The grading policy; query parameters preview the effect of a choice."""
    token = request.args.get("page", "")
    chosen = request.args if any(name in request.args for name in POLICY_FIELDS) else None
    page = read_page(services, token)
    return _show_policy(page, load_policy(services, page, chosen), token)


@blueprint.post("/policy")
@refusing
def set_policy(services: Services) -> Response:
    """Store the chosen policy."""
    token = request.form.get("page", "")
    page = read_page(services, token)
    failed = keep_policy(services, page, request.form)
    if failed is not None:
        return _show_policy(page, failed, token)
    return see("console.link", token, said="policy")


@blueprint.get("/scores.csv")
@refusing
def scores(services: Services) -> Response:
    """All learners of the activity as a CSV file."""
    page = read_page(services, request.args.get("page", ""))
    facts, learners = load_everybody(services, page)
    return send_csv(write_scores(learners), f"activity-{facts.link_id}.csv")


def number_of(text: str) -> int:
    """Parse the id of a row; raises PageRefused "page_expired"."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise PageRefused(Reason.PAGE_EXPIRED, "not the number of a row")
    return int(text)


def _show_policy(page: PageToken, shown: PolicyPage, token: str) -> Response:
    status = 400 if shown.form.errors else 200
    return _show(
        "instructor/grading_form.html",
        page,
        shown.facts,
        token,
        status=status,
        shown=shown,
        listed=LISTED,
    )


def _show(
    template: str,
    page: PageToken,
    facts: LinkFacts,
    token: str,
    *,
    status: int = 200,
    **values: Any,
) -> Response:
    origins = frame_origins(facts.platform, page.back_url)
    return render_page(
        template, status=status, frame_origins=origins, facts=facts, token=token, **values
    )
