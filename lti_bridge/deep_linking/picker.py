"""Deep linking: from the launch through the choice of courses to the signed response."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from ..core.db import db, reading
from ..core.errors import NotFound, PageRefused, Reason
from ..courses.import_package import interactive_seconds
from ..lti.claims import LaunchClaims
from ..lti.deep_linking import (
    LONGEST_TITLE,
    Answer,
    CourseItem,
    DeepLinkingSettings,
    parse_settings,
    sign_response,
)
from ..lti.roles import Visitor
from ..lti.values import PlatformValues
from ..platforms.accounts import account_for, may_replace_courses
from ..platforms.frame_origins import note_frame_origin
from ..platforms.keys import signing_key
from ..platforms.models import Deployment, ScormAccount
from ..platforms.registry import platform_values
from ..scorm_cloud.client import ScormCloudClient
from ..scorm_cloud.courses import Course
from ..services import Services
from ..web.frames import frame_origins
from ..web.page_tokens import PageToken, read_page, sign_page
from ..web.rejections import get_rejection

# Kinds of page tokens, each valid for its own pages only.
PICKER, REFUSED, ANSWER = "picker", "picker refused", "picker answer"
MOST_COURSES = 20
SMALLEST_PIXELS, LARGEST_PIXELS = 200, 4000


@dataclass(frozen=True)
class Start:
    """The page that a deep linking launch opens: the picker or, with a reason, a refusal."""

    token: str
    refused: str


@dataclass(frozen=True)
class ShownList:
    """State of the list: the search text, the page, and the courses chosen so far.

    `chosen` are ids and titles; `problem` is a message about the last request.
    """

    text: str = ""
    trail: str = ""
    chosen: Sequence[tuple[str, str]] = ()
    problem: str = ""


@dataclass(frozen=True)
class Picker:
    """The user and account of a choice, and what the LMS accepts."""

    token: str
    page: PageToken
    account: ScormAccount
    platform: PlatformValues
    deployment_id: str
    may_replace: bool  # may upload new versions, which affect all users of the account

    @property
    def accepts_many(self) -> bool:
        """True when the LMS accepts several courses."""
        return self.page.data.get("many") is True

    @property
    def targets(self) -> tuple[str, ...]:
        """The presentation targets that the LMS accepts."""
        return tuple(self.page.data.get("targets", ()))

    @property
    def may_upload(self) -> bool:
        """True for managers of the course; assistants only pick existing courses."""
        return self.page.visitor.manages

    @property
    def in_window(self) -> bool:
        """True in a window, whose response goes back to the frame that opened it."""
        return self.page.data.get("window") is True

    @property
    def wanted(self) -> ShownList:
        """The state of the list."""
        return ShownList(*self.page.data.get("list") or ())

    @property
    def refused(self) -> str:
        """The reason why nothing can be picked, or ""."""
        return str(self.page.data.get("refused") or "")

    def kept_courses(self, shown: Sequence[Course] = ()) -> list[tuple[str, str]]:
        """Return the chosen courses that are not on a page: ids and titles."""
        on_page = {course.id for course in shown}
        return [(one, title) for one, title in self.wanted.chosen if one not in on_page]

    @property
    def return_url(self) -> str:
        """The return URL of the verified launch."""
        return str(self.page.data["return_url"])

    @property
    def frame_origins(self) -> list[str]:
        """The origins that may frame these pages."""
        return frame_origins(self.platform, self.return_url)


def begin_picking(
    services: Services,
    claims: LaunchClaims,
    deployment: Deployment,
    visitor: Visitor,
    *,
    in_window: bool = False,
) -> Start:
    """Return the picker's page token for a verified deep linking launch. Commits.

    `in_window`: the launch is in a window that our button opened from the LMS's frame.

    Raises PageRefused without a return address, ConfigurationError without an account.
    """
    settings = parse_settings(claims.deep_linking)
    note_frame_origin(deployment.platform, settings.return_url)
    refused = _decide_refusal(settings, visitor)
    page = PageToken(
        platform_id=deployment.platform_id,
        deployment_id=deployment.id,
        sub=claims.sub,
        visitor=visitor,
        back_url=claims.return_url,
        data={
            "kind": REFUSED if refused else PICKER,
            "account": account_for(deployment.platform).id,
            "return_url": settings.return_url,
            "many": settings.accept_multiple,
            "targets": list(settings.targets),
            "data": settings.data,
            "refused": refused,
            "window": in_window,
        },
    )
    db.session.commit()
    return Start(sign_page(services, page), refused)


def _decide_refusal(settings: DeepLinkingSettings, visitor: Visitor) -> str:
    """Return the reason why nothing can be picked, or ""."""
    if visitor is Visitor.STRANGER:
        return Reason.NOT_ENROLLED
    if not visitor.is_staff:
        return Reason.PICKING_NOT_ALLOWED
    return "" if settings.accepts_links else Reason.LINKS_NOT_ACCEPTED


def read_picker(
    services: Services, token: str, kind: str = PICKER, at: datetime | None = None
) -> Picker:
    """Return the picker of a page token.

    Raises PageRefused "page_expired", also when the token is of another kind or the platform
    has moved to another account, and "platform_disabled". `at` is when the token's age is judged.
    """
    page = read_page(services, token, at)
    if page.data.get("kind") != kind:
        raise PageRefused(Reason.PAGE_EXPIRED)
    with reading():  # ended before the calls
        deployment = db.session.get(Deployment, page.deployment_id)
        if deployment is None or deployment.platform_id != page.platform_id:
            raise PageRefused(Reason.PAGE_EXPIRED)
        if deployment.platform.disabled_at is not None or not deployment.is_active:
            raise PageRefused(Reason.PLATFORM_DISABLED)
        account = account_for(deployment.platform)
        if account.id != page.data.get("account"):
            raise PageRefused(Reason.PAGE_EXPIRED)
        platform = platform_values(deployment.platform)
        may_replace = may_replace_courses(deployment.platform)
        return Picker(token, page, account, platform, deployment.deployment_id, may_replace)


def client_of(services: Services, picker: Picker) -> ScormCloudClient:
    """Return the SCORM Cloud client of the picker's account."""
    return services.scorm_cloud(picker.account)


def with_data(services: Services, picker: Picker, **changes: object) -> str:
    """Return a new token of the picker with additional data."""
    page = replace(picker.page, data={**picker.page.data, **changes})
    return sign_page(services, page)


def get_courses(
    services: Services, picker: Picker, course_ids: Sequence[str]
) -> tuple[list[Course], list[str]]:
    """Return the chosen courses that exist in the account, and the ids of the missing ones.

    Raises Unavailable or Refused.
    """
    client, seconds = client_of(services, picker), interactive_seconds(services)
    wanted = list(dict.fromkeys(filter(None, course_ids)))[: MOST_COURSES + 1]
    found, missing = [], []
    for course_id in wanted if picker.accepts_many else wanted[:1]:
        try:
            found.append(client.get_course(course_id, deadline_seconds=seconds))
        except NotFound:
            missing.append(course_id)
    return found, missing


def build_preview(services: Services, picker: Picker, course_id: str) -> str:
    """Return the URL of an untracked preview of a course of the picker's account.

    Raises PageRefused "course_missing", Refused or Unavailable.
    """
    done_url = f"{services.settings.public_url}/lti/pick/preview/done"
    try:
        return client_of(services, picker).build_preview_link(
            course_id, done_url, deadline_seconds=interactive_seconds(services)
        )
    except NotFound as error:
        raise PageRefused(Reason.COURSE_MISSING) from error


def read_items(picker: Picker, form: Mapping[str, str]) -> list[CourseItem]:
    """Return the chosen courses with the values of the confirmation form.

    Their ids come from the token, where they were checked against the account.
    """
    target = form.get("target", "")
    return [
        CourseItem(
            course_id=course_id,
            title=" ".join(form.get(f"title-{n}", "").split())[:LONGEST_TITLE] or title,
            target=target if target in picker.targets else None,
            width=_pixels(form.get("width", "")),
            height=_pixels(form.get("height", "")),
        )
        for n, (course_id, title, _) in enumerate(picker.page.data.get("chosen", ()))
    ]


def _pixels(text: str) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        return None
    return min(max(int(text), SMALLEST_PIXELS), LARGEST_PIXELS)


def refusal_answer(picker: Picker) -> Answer:
    """Return the response to the LMS when nothing can be picked."""
    reason = picker.refused
    return Answer(error=get_rejection(reason).happened, error_log=reason)


def describe_course(course: Course) -> str:
    """Return the description of a course in the list."""
    return f"{course.standard_name} · version {course.version + 1}"


def sign_answer_page(services: Services, picker: Picker, answer: Answer) -> str:
    """Return the token of the page that posts an answer to the LMS."""
    return with_data(services, picker, kind=ANSWER, answer=asdict(answer), list=None, chosen=None)


def read_answer(picker: Picker) -> Answer:
    """Return the answer in a page token."""
    values = picker.page.data["answer"]
    return Answer(**{**values, "items": [CourseItem(**item) for item in values["items"]]})


def sign_answer(services: Services, picker: Picker, answer: Answer) -> str:
    """Return the JWT that the browser posts to the LMS. Commits."""
    now = services.now()
    return sign_response(
        picker.platform,
        picker.deployment_id,
        answer,
        data=picker.page.data.get("data"),
        launch_url=f"{services.settings.public_url}/lti/launch",
        key=signing_key(services.signer, now=now),
        now=now,
    )
