"""A problem: one cause, who is affected, and who can fix it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

# Grades wait this long before an alert.
GRADES_WAIT = timedelta(hours=1)


class ProblemKind(StrEnum):
    """Kinds of problem. The values are stored in rows and sent as `kind` to webhooks."""

    SCORM_CLOUD = "scorm_cloud"  # an account's calls fail
    SWEEP = "sweep"  # its sweep is late or fails
    READING = "reading"  # results of learners cannot be read
    WAITING = "waiting"  # scores that are retried
    PARKED = "parked"  # scores that the LMS refused
    NO_COLUMN = "no_column"  # an activity without a gradebook column
    GRADES_GONE = "grades_gone"  # delivered, and not in the gradebook any more
    REFUSED_LAUNCH = "refused_launch"
    SELF_TEST = "self_test"
    NO_WORKER = "no_worker"
    SILENT = "silent"  # a process without heartbeats
    CLOCK = "clock"
    VERSIONS = "versions"
    QUEUE = "queue"
    BEHIND = "behind"  # work has been due for too long
    PENDING = "pending"  # an installation waits for approval
    GRANTS = "grants"  # the LMS has not granted something
    CONSOLE_WISH = "console_wish"  # an LMS admin asks for console access
    OLD_KEY = "old_key"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One current problem.

    `subject` names its row, such as "platform 3"; `cause` distinguishes problems of one subject and
    kind. `what` is a full sentence without a learner's name, `detail` adds to it; `who` can fix it,
    and `how`. `learners` is the number affected, None where it does not apply. `since` None:
    unknown. `serious`: an alert follows, `told_after` its start; others are on the page only. LMS
    admins see those of their `platform_id`, only owners those with None. `activities` are ids of
    resource links, each with the number of learners waiting.
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
        """A stable identifier of at most 140 characters."""
        cause = f" {crc32(self.cause.encode()):08x}" if self.cause else ""
        return f"{self.kind} {self.subject[:100]}{cause}"
