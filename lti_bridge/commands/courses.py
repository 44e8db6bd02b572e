"""`course …`: the courses of a SCORM Cloud account."""

import time
from pathlib import Path

import click

from ..audit.log import OPERATOR
from ..core.db import reading
from ..core.errors import Refused, Unavailable
from ..courses.check_package import check_package
from ..courses.import_package import Package, find_course, send_checked
from ..platforms.accounts import DEFAULT, get_account
from ..scorm_cloud.client import ScormCloudClient
from ..scorm_cloud.courses import ImportJob
from ..services import Services
from .opening import open_bridge, table

IMPORT_POLL_SECONDS = 0.5
IMPORT_SILENT_SECONDS = 120.0
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
    """Upload FILE, a SCORM package, as a course.

    The package is checked first, as the upload form checks it. Ends with a sentence when the
    import fails, or when SCORM Cloud says nothing about it for two minutes.
    """
    with open_bridge() as services, file.open("rb") as opened:
        with reading():
            row = get_account(account)
        check_package(opened)
        existing = find_course(services, row, course_id)
        if existing is not None and not new_version:
            click.echo(
                f"The course {course_id} exists already; --new-version uploads a new version."
            )
            return
        package = Package(opened, file.name, course_id, course_id, new_version, OPERATOR)
        size = file.stat().st_size
        with click.progressbar(length=size, label=f"Uploading {file.name}") as bar:
            job_id = send_checked(
                *(services, row, package, course_id),
                new_version=existing is not None,
                progress=bar.update,
            )
        job = wait_for_import(services.scorm_cloud(row), job_id)
        for warning in job.warnings:
            click.echo(f"Warning: {warning}", err=True)
        click.echo(f"The course {course_id} is ready: {job.course.title if job.course else file}")


def open_client(services: Services, account: str) -> ScormCloudClient:
    """Return the client of the account with this name."""
    with reading():
        row = get_account(account)
    return services.scorm_cloud(row)


def wait_for_import(
    client: ScormCloudClient, job_id: str, silent_seconds: float = IMPORT_SILENT_SECONDS
) -> ImportJob:
    """Wait for an import; raises Refused when it fails, Unavailable after two minutes."""
    said, ends = None, 0.0
    while True:
        job = client.get_import_job(job_id)
        if job.status == "ERROR":
            raise Refused(
                f"SCORM Cloud could not import the package: {job.message or 'no reason'} "
                "No course was added or changed."
            )
        if job.status == "COMPLETE":
            return job
        if job != said:
            said, ends = job, time.monotonic() + silent_seconds
        if time.monotonic() >= ends:
            raise Unavailable(
                f"SCORM Cloud has the package and has said nothing for {silent_seconds:.0f} "
                "seconds about importing it. It may go on: look with `lti-bridge course list` "
                "before you upload it again"
            )
        time.sleep(IMPORT_POLL_SECONDS)
