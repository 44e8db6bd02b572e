"""The state of the practice LMS: people, tools, activities, gradebook, behind one lock."""

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from lti_sandbox.practice_lms.bucket import Bucket

Dialect = Literal["canvas", "moodle"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
LineItemShape = Literal["coupled", "none", "two", "empty"]
GradeRefusal = Literal["", "closed_period", "unpublished", "not_assigned"]
Outage = Literal["", "maintenance", "database"]
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
MEMBERSHIP_PART = MEMBERSHIP.replace("#", "/")
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


@dataclass(frozen=True)
class Person:
    """One practice user; `sub` is what tools see, `key` what pages and tests use."""

    key: str
    sub: str
    given: str
    family: str
    role: str
    roles: tuple[str, ...]
    gradable: bool

    @property
    def is_member(self) -> bool:
        """Whether the person is enrolled in the course."""
        return any(role.startswith((MEMBERSHIP, MEMBERSHIP_PART)) for role in self.roles)

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """A fictitious e-mail address."""
        return f"{self.key}@students.example"

    @property
    def number(self) -> str:
        """The numeric id, which Canvas's services know beside `sub`."""
        last = self.sub.rpartition("-")[2]
        return str(int(last)) if last.isdecimal() else ""


@dataclass
class ToolSpec:
    """A tool as an admin enters it by hand; empty ids are made up by the LMS."""

    name: str
    login_url: str
    redirect_uris: list[str]
    jwks_url: str
    client_id: str = ""
    deployment_id: str = ""
    target_link_uri: str = ""
    scopes: list[str] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)
    shares_names: bool = True
    active: bool = True


@dataclass
class Activity:
    """One placement of a tool in the practice course."""

    id: str
    title: str
    client_id: str
    custom: dict[str, str]
    points: float = 100.0
    line_item: LineItemShape = "coupled"
    target_link_uri: str = ""
    context_id: str = ""
    new_window: bool = False
    reviewable: bool = True
    # Once "accept grades" was off, Moodle's launches never name the column again.
    names_column: bool = True


@dataclass
class LineItem:
    """One gradebook column."""

    id: str
    label: str
    maximum: float
    client_id: str
    activity_id: str | None
    by_tool: bool = False
    tag: str = ""
    resource_id: str = ""
    locked: bool = False
    keeps_no_grade: bool = False  # Moodle's grade type "None"


@dataclass
class ResultRow:
    """What Canvas's results show of a learner, which need not be what its gradebook shows."""

    score: float | None
    maximum: float | None
    extension: dict[str, Any] | None = None  # what the last post had of it
    comment: str = ""


@dataclass
class Cell:
    """One learner's grade in one column.

    `stored_at` guards against older timestamps: Moodle's time of the grade, a teacher's too, and
    Canvas's time of the result. `raw` is the tool's value that Moodle keeps below the final one,
    `raw_maximum` the column's maximum when it arrived.
    `by_person` says who graded last, and `row` is what results show (Canvas both).
    """

    score: float | None = None
    comment: str = ""
    stored_at: float | None = None
    overridden: bool = False
    raw: float | None = None
    raw_maximum: float | None = None
    excused: bool = False
    by_person: bool = False
    row: ResultRow | None = None
    attempts: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class PendingLaunch:
    """One click, from the course page to the id_token; used once.

    `activity_id` is empty for deep linking; `for_user` is whose submission a review is about;
    `actor` is the id of an admin who acts as the person (Canvas).
    """

    client_id: str
    activity_id: str
    person: Person
    message: str
    for_user: str = ""
    roles: tuple[str, ...] = ()
    actor: str = ""
    used: bool = False


def _people(dialect: Dialect) -> list[Person]:
    learner, teacher = (MEMBERSHIP + "Learner",), (MEMBERSHIP + "Instructor",)
    admin = (INSTITUTION + "Administrator", MEMBERSHIP + "Instructor")
    rows = [
        ("alice", "Alice", "Andersen", "Learner", learner, True),
        ("ben", "Ben", "Okafor", "Learner", learner, True),
        ("carla", "Carla", "Mendes", "Learner", learner, True),
        ("ida", "Ida", "Ivarsson", "Instructor", teacher, False),
        ("adam", "Adam", "Novak", "Administrator", admin, False),
    ]
    if dialect == "canvas":
        rows.append(("test", "Test", "Student", "Test student", (*learner, TEST_USER), False))
    assistant = (*teacher, MEMBERSHIP_PART + "Instructor#TeachingAssistant")
    rows += [
        ("tara", "Tara", "Tamm", "Teaching assistant", assistant, False),
        ("faye", "Faye", "Fischer", "Faculty, not enrolled", (INSTITUTION + "Faculty",), False),
    ]
    # Moodle's subs are numbers as text, Canvas's are UUIDs.
    return [
        Person(
            row[0],
            str(number + 3) if dialect == "moodle" else f"5f0c2b9e-0000-4000-8000-{number:012d}",
            *row[1:],
        )
        for number, row in enumerate(rows, start=1)
    ]


class LmsState:
    """Everything, in memory, behind `lock`."""

    def __init__(self, dialect: Dialect, now: Callable[[], float] = time.time) -> None:
        self.dialect = dialect
        self.now = now
        self.lock = threading.RLock()
        self.people = {person.key: person for person in _people(dialect)}
        self.unenrolled: set[str] = set()
        self.tools: dict[str, ToolSpec] = {}
        self.activities: dict[str, Activity] = {}
        self.line_items: dict[str, LineItem] = {}
        self.cells: dict[tuple[str, str], Cell] = {}
        self.launches: dict[str, PendingLaunch] = {}
        self.tokens: dict[str, tuple[str, float, frozenset[str]]] = {}
        self.seen_jtis: set[str] = set()
        self.score_posts: list[dict[str, Any]] = []
        self.deleted_items: dict[str, list[LineItem]] = {}  # by activity, to be restored
        self.concluded = False
        self.older_canvas = False  # answers as a self-hosted Canvas of some years ago
        self.grade_refusal: GradeRefusal = ""  # why Canvas changes no grade now
        self.outage: Outage = ""
        self.attempts_allowed = 0
        self.throttle = False
        self.storage = dialect == "canvas"  # whether the frame answers lti.put_data
        self.locale = "en"  # what launches say of the person's language
        self.buckets: dict[str, Bucket] = {}
        self.registration_tokens: dict[str, tuple[str, bool]] = {}  # jti → (client id, used)
        self.deep_links: dict[str, str] = {}  # data → client id
        self.shown: list[str] = []  # messages of tools to the teacher
        self.context_id = "2" if dialect == "moodle" else secrets.token_hex(20)
        self.context_title = "Workplace safety 101"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = secrets.token_hex(10)
        self._numbers = iter(range(2, 1_000_000))
        self.changes = 0

    def bucket(self, client_id: str) -> Bucket:
        """Return a client's bucket, made when missing."""
        with self.lock:
            return self.buckets.setdefault(client_id, Bucket())

    def jwks(self) -> dict[str, Any]:
        """Return the LMS's public key set."""
        jwk = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        jwk.pop("key_ops", None)
        return {"keys": [{**jwk, "kid": self.kid, "alg": "RS256", "use": "sig"}]}

    def next_id(self) -> str:
        """Return a fresh id in the dialect's style."""
        number = next(self._numbers)
        return str(number) if self.dialect == "moodle" else f"{secrets.token_hex(16)}{number:08x}"

    def connect(self, tool: ToolSpec) -> ToolSpec:
        """Add or replace a tool; ids that it lacks are made."""
        with self.lock:
            number = len(self.tools) + 1
            made = secrets.token_hex(8)[:15]
            hosted = f"1000000000000{number}"
            tool.client_id = tool.client_id or (made if self.dialect == "moodle" else hosted)
            default = str(number) if self.dialect == "moodle" else f"{number}:{'8865aa05' * 5}"
            tool.deployment_id = tool.deployment_id or default
            tool.target_link_uri = tool.target_link_uri or tool.redirect_uris[0]
            self.tools[tool.client_id] = tool
            return tool

    def add_activity(
        self,
        title: str,
        client_id: str,
        custom: dict[str, str],
        *,
        points: float = 100.0,
        line_item: LineItemShape = "coupled",
        target_link_uri: str = "",
    ) -> Activity:
        """Place a tool in the course, with the gradebook columns of its shape."""
        with self.lock:
            activity = Activity(
                self.next_id(), title, client_id, custom, points, line_item, target_link_uri
            )
            self.activities[activity.id] = activity
            if line_item != "none":
                self.add_line_item(activity, by_tool=line_item == "empty")
            if line_item == "two":
                self.add_line_item(activity, by_tool=True, label=f"{title} (extra)")
            self.changes += 1
            return activity

    def add_line_item(self, activity: Activity, *, by_tool: bool, label: str = "") -> LineItem:
        """Add a column that belongs to an activity."""
        item = LineItem(
            self.next_id(),
            label or activity.title,
            activity.points,
            activity.client_id,
            activity.id,
            by_tool,
        )
        self.line_items[item.id] = item
        return item

    def items_of(self, activity: Activity) -> list[LineItem]:
        """Return the columns of an activity, in order."""
        return [item for item in self.line_items.values() if item.activity_id == activity.id]

    def claimed_item(self, activity: Activity) -> LineItem | str | None:
        """Return what the launch claim carries: an item, "" or nothing.

        Moodle: exactly one coupled item → its address; one that the tool made → ""; else absent.
        """
        if not activity.names_column:
            return None
        items = self.items_of(activity)
        if self.dialect == "canvas":
            return items[0] if items and not items[0].by_tool else None
        if len(items) != 1:
            return None
        return "" if items[0].by_tool else items[0]

    def cell(self, item_id: str, sub: str) -> Cell:
        """Return the grade cell, made when missing."""
        return self.cells.setdefault((item_id, sub), Cell())

    def person_by_sub(self, sub: str) -> Person | None:
        """Return the user that a tool names."""
        return next((p for p in self.people.values() if p.sub == sub), None)

    def is_student(self, person: Person | None) -> bool:
        """Whether a user is a learner of the course now."""
        return person is not None and person.gradable and person.key not in self.unenrolled

    def note(self, cell: Cell, who: str, score: float | None, text: str) -> None:
        """Add one line to a cell's history."""
        moment = time.strftime("%H:%M:%S", time.gmtime(self.now()))
        cell.history.append({"at": moment, "who": who, "score": score, "text": text})
        self.changes += 1
