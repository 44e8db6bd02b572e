"""Forms of a platform: its connection, its settings, and invitations."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length, Optional

from ...lms.registry import ALL
from ...lti.replies import origin
from ...platforms.accounts import DEFAULT
from ...platforms.connection_values import LONGEST_NAME, PlatformFacts
from ...registrations.grading import (
    POLICY_PARTS,
    GradingAnswer,
    TeacherGrade,
    UnfinishedScore,
    UnscoredCompletion,
)
from ..forms import ConsoleForm, address_field, strip, text_field

KINDS = [(lms.key, lms.label) for lms in ALL]
PRIVACY = [
    ("named", "Name and email, here and in SCORM Cloud"),
    ("pseudonymous", "An opaque id alone"),
]
PLAYERS = [("frame", "In the LMS's page"), ("window", "In a window of its own")]
LINE_ITEMS = [("wait", "Wait until the LMS makes one"), ("create", "Make one")]
LINE_ITEMS_HELP = (
    "To make one, the LMS must grant this tool the scope lineitem: its admin does that."
)
NEW_VERSIONS = [
    ("unshared", "Only while no other LMS uses the SCORM Cloud account"),
    ("always", "Yes"),
    ("never", "No"),
]
TEACHER_GRADE = "When a teacher has set a grade in the LMS"
TEACHER_GRADE_HELP = (
    "It counts from the next score on. Some LMSs, such as Moodle, keep an overridden grade "
    "whatever is chosen here."
)
PolicyPart = (
    type[GradingAnswer] | type[UnscoredCompletion] | type[UnfinishedScore] | type[TeacherGrade]
)
MOST_ORIGINS = 20
# Changes of grades listed by name; the others are counted.
LISTED = 50


def choose(label: str, values: Sequence[tuple[str, str]], description: str = "") -> SelectField:
    """Return a select field of (value, label) choices."""
    return SelectField(label, choices=lambda: values, description=description)


def in_words(kind: PolicyPart) -> list[tuple[str, str]]:
    """Return the (value, label) choices of a part of the grading policy."""
    return [(one.value, one.label) for one in kind]


def or_usual(where: str, usual: Any) -> list[tuple[str, str]]:
    """Return the choices after an empty one, which stands for the `usual` value."""
    said = usual.label
    return [("", f"{where}: {said[:1].lower()}{said[1:]}"), *in_words(type(usual))]


class PlatformForm(ConsoleForm):
    """A platform: its name and the values that the LMS shows its admin."""

    name = text_field("Name", "What people here call this LMS.", at_most=LONGEST_NAME)
    dialect = choose("Kind of LMS", KINDS)
    issuer = address_field("Issuer", "Moodle calls it Platform ID. Exactly as the LMS says it.")
    client_id = text_field("Client id", "The number or word that the LMS gave this tool.")
    authorization_url = address_field(
        "Authentication request URL", "Also called OIDC authorization endpoint."
    )
    token_url = address_field("Access token URL")
    jwks_url = address_field("Public keyset URL", "Where the LMS publishes its keys.")
    audience = StringField(
        "Audience of token requests",
        [Optional(), Length(max=500)],
        filters=[strip],
        description="Leave it empty unless the LMS asks for one; then the token URL is used.",
    )
    account = SelectField("SCORM Cloud account")
    privacy = choose("What is kept of people", PRIVACY)
    player = choose("The player opens", PLAYERS)
    new_versions = choose("Its instructors and admins may replace courses", NEW_VERSIONS)

    def __init__(self, accounts: list[str], **defaults: Any) -> None:
        super().__init__(**defaults)
        known = [("", f"The bridge's own ({DEFAULT}, else the oldest)")]
        self.account.choices = known + [(name, name) for name in accounts if name != DEFAULT]

    def facts(self) -> PlatformFacts:
        """Return the values of the form."""
        told = {name: self[name].data for name in ("name", "issuer", "client_id", "dialect")}
        told |= {name: self[name].data for name in ("authorization_url", "token_url", "jwks_url")}
        told |= {name: self[name].data for name in ("audience", "privacy")}
        told |= {name: self[name].data for name in ("player", "new_versions")}
        return PlatformFacts(account=self.account.data or None, **told)


class NewPlatformForm(PlatformForm):
    """A new platform with its first deployment."""

    deployment_id = text_field(
        "Deployment id", "Moodle's is the tool's number, Canvas's has a colon in it."
    )


class SettingsForm(ConsoleForm):
    """A platform's settings; none of them can lock users out.

    `usual` is the bridge's default for a teacher's grade; `chosen` are the entered values.
    """

    player = choose("The player opens", PLAYERS)
    answer = choose("Which attempt is the grade", in_words(GradingAnswer))
    completion = choose("Completed without a score", in_words(UnscoredCompletion))
    partial = choose("Unfinished attempts", in_words(UnfinishedScore))
    teacher_grade = SelectField(TEACHER_GRADE, description=TEACHER_GRADE_HELP)
    line_items = choose("When an activity has no gradebook column", LINE_ITEMS, LINE_ITEMS_HELP)
    frame_origins = TextAreaField(
        "Sites that may show the bridge in a frame",
        description=(
            "One on each line, such as https://canvas.school.example. The LMS's own site and those "
            "that launches come from are known by themselves."
        ),
        render_kw={"rows": "3"},
    )

    def __init__(self, usual: str, chosen: Any, **defaults: Any) -> None:
        super().__init__(chosen=chosen, **defaults)
        self.teacher_grade.choices = or_usual("As in the bridge's settings", TeacherGrade(usual))

    def validate_frame_origins(self, field: TextAreaField) -> None:
        """Refuse a line that is not an origin."""
        for line in self.origins():
            if origin(line) != line:
                raise ValidationError(f"“{line}” is no site: write https:// and the host alone.")
        if len(self.origins()) > MOST_ORIGINS:
            raise ValidationError(f"At most {MOST_ORIGINS} sites.")

    def origins(self) -> list[str]:
        """Return the origins without duplicates."""
        lines = (line.strip().rstrip("/") for line in (self.frame_origins.data or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def policy(self) -> dict[str, str | None]:
        """Return the platform's grading policy; None means the bridge's setting."""
        return {name: self[name].data or None for name in POLICY_PARTS}


class InviteForm(ConsoleForm):
    """A single-use URL for dynamic registration."""

    name = text_field("Name", "What people here will call this LMS.", at_most=LONGEST_NAME)
    dialect = choose("Kind of LMS", [("", "What it says of itself"), *KINDS])
