"""Import jobs: a course from a zip, uploaded or fetched, in the background."""

import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass, field

import requests

from lti_sandbox.practice_scorm_cloud import courses
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.packages import (
    MAX_TOTAL_BYTES,
    BadPackage,
    parse_package,
    read_zip,
)
from lti_sandbox.practice_scorm_cloud.results import Document
from lti_sandbox.practice_scorm_cloud.store import dump, load

FETCH_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Wanted:
    """What the caller of an import asks for."""

    course_id: str
    new_version: bool = False
    postback_url: str | None = None
    tags: list[str] = field(default_factory=list)


def start(cloud: Cloud, wanted: Wanted, source: bytes | str) -> str:
    """Begin to import a zip, or the zip at an address, and return the job id."""
    job_id = str(uuid.uuid4())
    _save(cloud, {"jobId": job_id, "status": "RUNNING", "importResult": {"parserWarnings": []}})
    worker = threading.Thread(target=_import, args=(cloud, job_id, wanted, source), daemon=True)
    cloud.imports.append(worker)
    worker.start()
    return job_id


def job_json(cloud: Cloud, job_id: str) -> Document:
    """Return the ImportJobResultSchema of a job; ApiError 404."""
    row = cloud.store.one("SELECT document FROM job WHERE id = ?", job_id)
    if row is None:
        raise ApiError(404, f"Could not find import job [{job_id}]")
    document: Document = load(row["document"])
    return document


def import_now(cloud: Cloud, wanted: Wanted, body: bytes) -> Document:
    """Import a zip at once and return the job's result: COMPLETE, or ERROR with a message."""
    try:
        files = read_zip(body)
        package = parse_package(files)
        with cloud.store.transaction():
            if not wanted.new_version and courses.find_course(cloud, wanted.course_id):
                raise BadPackage(f"Course [{wanted.course_id}] already exists.")
            course = courses.add_version(cloud, wanted.course_id, package, files, wanted.tags)
    except BadPackage as problem:
        return {"status": "ERROR", "message": str(problem), "importResult": {"parserWarnings": []}}
    path = f"/courses/{cloud.app_id}/{course['id']}/{course['version']}"
    return {
        "status": "COMPLETE",
        "message": "Import Successful",
        "importResult": {
            "webPathToCourse": path,
            "parserWarnings": package.warnings,
            "courseLanguages": [],
            "course": courses.course_json(cloud, course),
        },
    }


def _import(cloud: Cloud, job_id: str, wanted: Wanted, source: bytes | str) -> None:
    try:
        _work(cloud, job_id, wanted, source)
    except sqlite3.ProgrammingError:
        # The server was stopped meanwhile; nobody waits for this job any more.
        return


def _work(cloud: Cloud, job_id: str, wanted: Wanted, source: bytes | str) -> None:
    ends = time.monotonic() + cloud.import_seconds
    try:
        body = source if isinstance(source, bytes) else _download(source)
        result = import_now(cloud, wanted, body)
    except (requests.RequestException, BadPackage) as problem:
        sentence = str(problem) if isinstance(problem, BadPackage) else "The fetch failed."
        result = {"status": "ERROR", "message": sentence, "importResult": {"parserWarnings": []}}
    # The real service never finishes before the first look.
    time.sleep(max(0.0, ends - time.monotonic()))
    result = {"jobId": job_id, **result}
    _save(cloud, result)
    if wanted.postback_url:
        cloud.postbacks.queue({"url": wanted.postback_url, "authType": "HTTPBASIC"}, result)


def _save(cloud: Cloud, job: Document) -> None:
    cloud.store.run("INSERT OR REPLACE INTO job VALUES (?, ?)", job["jobId"], dump(job))


def _download(url: str) -> bytes:
    with requests.get(url, stream=True, timeout=FETCH_TIMEOUT_SECONDS) as answer:
        if answer.status_code != 200:
            raise BadPackage(f"The address answered {answer.status_code}.")
        parts, size = [], 0
        for part in answer.iter_content(1024 * 1024):
            parts.append(part)
            size += len(part)
            if size > MAX_TOTAL_BYTES:
                raise BadPackage("The file is larger than 512 MB.")
    return b"".join(parts)
