"""Import jobs: a course from a zip, uploaded or fetched, in the background."""

import logging
import shutil
import sqlite3
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import IO, BinaryIO

import requests
from urllib3.exceptions import HTTPError

from lti_sandbox.practice_scorm_cloud import courses
from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.packages import parse_package
from lti_sandbox.practice_scorm_cloud.results import Document
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.zips import MAX_TOTAL_BYTES, BadPackage, read_zip

FETCH_TIMEOUT_SECONDS = 30
LONGEST_FETCH_SECONDS = 300
PIECE_BYTES = 1024 * 1024
STOPPED = "The practice SCORM Cloud was stopped while it imported the package. Upload it again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What the caller of an import asks for."""

    course_id: str
    new_version: bool = False
    postback_url: str | None = None
    tags: list[str] = field(default_factory=list)


def spool(stream: IO[bytes]) -> BinaryIO:
    """Copy an upload to a temporary file, since the request's own ends with the request."""
    file = tempfile.TemporaryFile()
    shutil.copyfileobj(stream, file, PIECE_BYTES)
    return file


def start(cloud: Cloud, wanted: Wanted, source: BinaryIO | str) -> str:
    """Start to import a zip, or the zip at a URL, and return the job id.

    A file is closed when the import has ended.
    """
    job_id = str(uuid.uuid4())
    _save(cloud, {"jobId": job_id, "status": "RUNNING", "importResult": {"parserWarnings": []}})
    worker = threading.Thread(target=_import, args=(cloud, job_id, wanted, source), daemon=True)
    cloud.imports.append(worker)
    worker.start()
    return job_id


def end_interrupted(cloud: Cloud) -> None:
    """Fail the jobs whose import was interrupted by the end of the server."""
    for row in cloud.store.all("SELECT document FROM job"):
        job = load(row["document"])
        if job["status"] == "RUNNING":
            _save(cloud, {"jobId": job["jobId"], **_failed(STOPPED)})


def job_json(cloud: Cloud, job_id: str) -> Document:
    """Return the ImportJobResultSchema of a job; ApiError 404."""
    row = cloud.store.one("SELECT document FROM job WHERE id = ?", job_id)
    if row is None:
        raise ApiError(404, f"Could not find import job [{job_id}]")
    document: Document = load(row["document"])
    return document


def import_now(cloud: Cloud, wanted: Wanted, source: BinaryIO | bytes) -> Document:
    """Import a zip at once and return the job's result: COMPLETE, or ERROR with a message."""
    try:
        files = read_zip(source)
        package = parse_package(files)
        places = cloud.content.unpack(files)
        try:
            with cloud.store.transaction():
                if not wanted.new_version and courses.find_course(cloud, wanted.course_id):
                    raise BadPackage(f"Course [{wanted.course_id}] already exists.")
                course = courses.add_version(cloud, wanted.course_id, package, places, wanted.tags)
        except BaseException:
            cloud.content.remove(places.values())
            raise
    except BadPackage as problem:
        return _failed(str(problem))
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


def _failed(sentence: str) -> Document:
    return {"status": "ERROR", "message": sentence, "importResult": {"parserWarnings": []}}


def _import(cloud: Cloud, job_id: str, wanted: Wanted, source: BinaryIO | str) -> None:
    ends = time.monotonic() + cloud.import_seconds
    try:
        result = {"jobId": job_id, **_result(cloud, wanted, source)}
        # The real service never finishes before the first poll.
        time.sleep(max(0.0, ends - time.monotonic()))
        _save(cloud, result)
    except sqlite3.ProgrammingError:
        # The server was stopped meanwhile.
        return
    if wanted.postback_url:
        cloud.postbacks.queue({"url": wanted.postback_url, "authType": "HTTPBASIC"}, result)


def _result(cloud: Cloud, wanted: Wanted, source: BinaryIO | str) -> Document:
    """Import and always return a result: a job without one would run permanently."""
    try:
        with tempfile.TemporaryFile() if isinstance(source, str) else source as file:
            if isinstance(source, str):
                _fetch(source, file)
            return import_now(cloud, wanted, file)
    except BadPackage as problem:
        return _failed(str(problem))
    except (requests.RequestException, HTTPError):
        return _failed("The fetch failed.")
    except sqlite3.ProgrammingError:
        raise
    except Exception as problem:
        logger.exception("an import failed")
        what = f"{type(problem).__name__}: {problem}"
        return _failed(f"The practice SCORM Cloud failed to import the package ({what}).")


def _save(cloud: Cloud, job: Document) -> None:
    cloud.store.run("INSERT OR REPLACE INTO job VALUES (?, ?)", job["jobId"], dump(job))


def _fetch(url: str, file: IO[bytes]) -> None:
    size, ends = 0, time.monotonic() + LONGEST_FETCH_SECONDS
    with requests.get(url, stream=True, timeout=FETCH_TIMEOUT_SECONDS) as answer:
        if answer.status_code != 200:
            raise BadPackage(f"The address answered {answer.status_code}.")
        # Reads what has arrived, so that the deadline also holds for a slow sender.
        while part := answer.raw.read1(PIECE_BYTES, decode_content=True):
            file.write(part)
            size += len(part)
            if time.monotonic() > ends:
                raise BadPackage("The address did not send the whole file within five minutes.")
            if size > MAX_TOTAL_BYTES:
                raise BadPackage("The file is larger than 512 MB.")
