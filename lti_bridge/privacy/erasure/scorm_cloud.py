"""Erasure in one SCORM Cloud account: delete a learner's registrations and personal data."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ...core.errors import BridgeError, NotFound, Refused, Unavailable
from ...platforms.models import ScormAccount
from ...scorm_cloud.client import LearnerValues, ScormCloudClient
from ...services import Services

# Called before every request with its deadline in seconds, to extend the leases.
Before = Callable[[float], None]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one account. `problem` says why something remains, or is "".

    `try_again`: SCORM Cloud did not answer, and a retry may succeed.
    """

    account_id: int
    remains: tuple[str, ...] = ()
    problem: str = ""
    try_again: bool = False
    note: str = ""


@dataclass(frozen=True)
class Task:
    """A learner in an account: the ids, the known registrations, and callbacks."""

    account: ScormAccount
    learner_id: str
    known: frozenset[str]
    before: Before
    deleted: Callable[[str], None]  # called for each deleted registration


def clear_account(services: Services, task: Task) -> Outcome:
    """Delete a learner's data in one account. Safe to repeat; raises what `before` raises."""
    client = services.scorm_cloud(task.account)
    deadline = services.settings.scorm_cloud.deadline_seconds
    try:
        task.before(deadline)
        names = task.known | set(client.list_registrations_of(task.learner_id))
    except Refused as error:
        return _refused_list(task, error)
    except Unavailable:
        return _silent(task, task.known)
    note = _delete_personal_data(services, client, task, deadline) if names else ""
    left = sorted(names)
    while left:
        try:
            task.before(deadline)
            _delete(client, left[0])
        except Refused:
            return _refused(task, client, left, deadline, note)
        except Unavailable:
            return _silent(task, left)
        task.deleted(left.pop(0))
    return Outcome(task.account.id, note=note)


def _delete(client: ScormCloudClient, name: str) -> None:
    try:
        client.delete_registration(name)
    except NotFound:
        return  # deleted before, or never created


def _delete_personal_data(
    services: Services, client: ScormCloudClient, task: Task, deadline: float
) -> str:
    """Request the deletion if a realm user is configured; returns a sentence when refused.

    Before the registrations are deleted: without any, SCORM Cloud knows no such learner.
    """
    email = services.settings.privacy.scorm_cloud_user_email
    if not email:
        return ""
    task.before(deadline)
    try:
        client.delete_learner_information(task.learner_id, email)
    except NotFound:
        return ""
    except BridgeError:
        return (
            f"SCORM Cloud (account {task.account.name}) did not take the order to delete personal "
            "data: privacy.scorm_cloud_user_email must be an owner or admin of its realm."
        )
    return ""


def _refused(
    task: Task,
    client: ScormCloudClient,
    left: Collection[str],
    deadline: float,
    note: str,
) -> Outcome:
    """Return the outcome when SCORM Cloud refuses the deletion; at least blank the names."""
    try:
        task.before(deadline)
        client.ping()
    except Refused:
        return Outcome(task.account.id, tuple(left), _wrong_credentials(task), note=note)
    except Unavailable:
        return _silent(task, left)
    blanked = _blank(task, client, deadline)
    problem = (
        f"The SCORM Cloud application of account {task.account.name} does not let us delete. "
        "An owner or admin of the SCORM Cloud realm can allow it: Apps / API, the application, "
        f"“Allow delete”. {blanked}"
    )
    return Outcome(task.account.id, tuple(left), problem, note=note)


def _blank(task: Task, client: ScormCloudClient, deadline: float) -> str:
    task.before(deadline)
    try:
        client.update_learner(LearnerValues(task.learner_id))
    except BridgeError:
        return "Name and email stay there as well."
    return "Name and email are being blanked there."


def _refused_list(task: Task, error: Refused) -> Outcome:
    """Ignore an account that refuses, and in which no registration is known."""
    problem = _wrong_credentials(task) if error.code == "credentials" else str(error)
    if not task.known:
        return Outcome(task.account.id, note=f"{problem} We know of no registration there.")
    return Outcome(task.account.id, tuple(sorted(task.known)), problem)


def _silent(task: Task, left: Collection[str]) -> Outcome:
    if not left:
        note = f"The SCORM Cloud account {task.account.name} did not answer; "
        return Outcome(task.account.id, note=note + "we know of no registration there.")
    problem = f"SCORM Cloud (account {task.account.name}) did not answer; it is tried again."
    return Outcome(task.account.id, tuple(sorted(left)), problem, try_again=True)


def _wrong_credentials(task: Task) -> str:
    return (
        f"SCORM Cloud does not accept the app id and secret key of account {task.account.name}; "
        "an operator can mend that with `lti-bridge account add`."
    )
