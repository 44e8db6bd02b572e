"""What a problem is: one cause, whom it stops, and who can end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

# A grade may wait so long before a person is told of it besides the page.
GRADES_WAIT = timedelta(hours=1)


class ProblemKind(StrEnum):
    """What is wrong. The values stand in rows, and as the `kind` of webhooks."""

    SCORM_CLOUD = "scorm_cloud"  # an account's calls fail
    SWEEP = "sweep"  # its registrations are not looked through
    READING = "reading"  # results of learners cannot be read
    WAITING = "waiting"  # scores that the LMS does not take, and that are tried again
    PARKED = "parked"  # scores that the LMS refused
    NO_COLUMN = "no_column"  # an activity without a gradebook column
    GRADES_GONE = "grades_gone"  # delivered, and not in the gradebook any more
    REFUSED_LAUNCH = "refused_launch"
    SELF_TEST = "self_test"
    NO_WORKER = "no_worker"
    SILENT = "silent"  # a process that was killed, or whose machine is away
    CLOCK = "clock"
    VERSIONS = "versions"
    QUEUE = "queue"
    BEHIND = "behind"  # work has been due for too long
    PENDING = "pending"  # an installation waits for approval
    GRANTS = "grants"  # the LMS has not granted something
    CONSOLE_WISH = "console_wish"  # an admin of an LMS asks for the console
    OLD_KEY = "old_key"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong now.

    `subject` names the row it is about, such as "platform 3", and `cause` tells problems of one
    subject and kind apart. `what` is a sentence of its own, without a learner's name; `detail` says
    more; `who` can end it and `how`. `learners` are those who wait for it, None where that is no
    question. `since` None: it is not known. `serious`: a person is told of it, `told_after` it
    began; the others stand on the page. LMS admins see those of their `platform_id`; None are the
    owners' alone. `activities` are the ids of resource links, each with how many learners wait.
    """

    kind: ProblemKind
    subject: str
    what: str
    since: datetime | None
    who: str
    how: str
    detail: str = ""
    cause: str = ""
    learners: int | None = None
    serious: bool = True
    told_after: timedelta = timedelta()
    platform_id: int | None = None
    row_id: int | None = None
    activities: tuple[tuple[int, int], ...] = ()

    @property
    def key(self) -> str:
        """What it is known by as long as it lasts: at most 140 characters."""
        cause = f" {crc32(self.cause.encode()):08x}" if self.cause else ""
        return f"{self.kind} {self.subject[:100]}{cause}"
