"""`course …`: the courses of a SCORM Cloud account."""

import time
from pathlib import Path

import click

from ..core.db import db
from ..core.errors import NotFound, Refused, Unavailable
from ..platforms.accounts import DEFAULT, get_account
from ..scorm_cloud.client import ScormCloudClient
from ..scorm_cloud.courses import ImportJob
from ..services import Services
from .opening import open_bridge, table

IMPORT_POLL_SECONDS = 0.5
account_option = click.option(
    "--account", default=DEFAULT, show_default=True, help="SCORM Cloud account."
)


@click.group()
def course() -> None:
    """Courses in SCORM Cloud."""


@course.command("list")
@account_option
def list_(account: str) -> None:
    """List the courses of an account."""
    with open_bridge() as services:
        client = open_client(services, account)
        rows = [
            (found.id, found.title, found.standard, str(found.version))
            for found in client.list_courses()
        ]
        if not rows:
            click.echo("This account has no course yet: lti-bridge course upload --help")
            return
        table(rows, ("course id", "title", "standard", "version"))


@course.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--course-id", required=True, help="What the custom parameter scorm_course_id says.")
@click.option("--new-version", is_flag=True, help="Replace a course of this id by a new version.")
@account_option
def upload(file: Path, course_id: str, new_version: bool, account: str) -> None:
    """Upload FILE, a SCORM package, as a course."""
    with open_bridge() as services:
        client = open_client(services, account)
        if not new_version and _exists(client, course_id):
            click.echo(
                f"The course {course_id} exists already; --new-version uploads a new version."
            )
            return
        job_id = _send(client, file, course_id, new_version, services)
        job = wait_for_import(client, job_id, services.settings.scorm_cloud.upload_deadline_seconds)
        for warning in job.warnings:
            click.echo(f"Warning: {warning}", err=True)
        click.echo(f"The course {course_id} is ready: {job.course.title if job.course else file}")


def open_client(services: Services, account: str) -> ScormCloudClient:
    """Return the client of the account with this name."""
    row = get_account(account)
    db.session.commit()  # calls follow: no transaction stays open across them
    return services.scorm_cloud(row)


def _exists(client: ScormCloudClient, course_id: str) -> bool:
    try:
        client.get_course(course_id)
    except NotFound:
        return False
    return True


def _send(
    client: ScormCloudClient, file: Path, course_id: str, new_version: bool, services: Services
) -> str:
    with (
        file.open("rb") as package,
        click.progressbar(length=file.stat().st_size, label=f"Uploading {file.name}") as bar,
    ):
        return client.upload_course(
            package,
            file.name,
            course_id,
            new_version=new_version,
            progress=bar.update,
            deadline_seconds=services.settings.scorm_cloud.upload_deadline_seconds,
        )


def wait_for_import(client: ScormCloudClient, job_id: str, at_most_seconds: float) -> ImportJob:
    """Return a finished import; raises Refused when it failed, Unavailable when it takes long."""
    ends = time.monotonic() + at_most_seconds
    while time.monotonic() < ends:
        job = client.get_import_job(job_id)
        if job.status == "ERROR":
            raise Refused(f"SCORM Cloud could not import the package: {job.message or 'no reason'}")
        if job.status == "COMPLETE":
            return job
        time.sleep(IMPORT_POLL_SECONDS)
    raise Unavailable("SCORM Cloud is still importing the package; see `lti-bridge course list`")
