"""Check that a file is a course package, before it is sent to SCORM Cloud."""

import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from ..core.errors import BridgeError

# Manifest of each standard at the top of the zip; AICC has any file that ends in .crs.
MANIFESTS = ("imsmanifest.xml", "cmi5.xml", "tincan.xml")
LONGEST_COURSE_ID = 100
LONGEST_SLUG = 60
_COURSE_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_COURSE_ID}}}")


class UploadRefused(BridgeError):
    """The upload is refused; the message is for the user, `code` for scripts."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_package(file: BinaryIO) -> None:
    """Raise UploadRefused unless `file` is a zip with a manifest at its top; rewinds it."""
    try:
        with zipfile.ZipFile(file) as archive:
            # Some Windows tools write backslashes.
            names = [name.replace("\\", "/") for name in archive.namelist()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        raise UploadRefused(
            "not_a_zip",
            "This file is not a zip that can be read. Export the course as a SCORM package from "
            "your authoring tool and upload the zip file as it is.",
        ) from error
    finally:
        file.seek(0)
    if not any(_is_manifest(name) for name in names):
        raise UploadRefused("no_manifest", _no_manifest(names))


def _is_manifest(name: str) -> bool:
    return name.lower() in MANIFESTS or (name.lower().endswith(".crs") and "/" not in name)


def _no_manifest(names: Sequence[str]) -> str:
    sentence = "This zip is not a SCORM package: there is no imsmanifest.xml at its top."
    for name in names:
        folder, _, last = name.rpartition("/")
        if folder and _is_manifest(last):
            return f"{sentence} It lies in the folder “{folder}”: zip what is in that folder."
    if any(name.lower().endswith(".zip") for name in names):
        return f"{sentence} It holds another zip: unpack it and upload the one inside."
    return f"{sentence} Export the course as SCORM 1.2 or SCORM 2004 from your authoring tool."


def propose_course_id(file_name: str) -> str:
    """Return a course id derived from a file name: lower-case letters, digits and hyphens."""
    stem = PurePosixPath(file_name.replace("\\", "/")).stem
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "course"


def check_course_id(course_id: str) -> str:
    """Return the id without surrounding spaces; raises UploadRefused for an unsafe one.

    SCORM Cloud accepts more characters, but some of its own URLs break with them.
    """
    course_id = course_id.strip()
    if not _COURSE_ID.fullmatch(course_id):
        raise UploadRefused(
            "bad_course_id",
            f"A course id has 1 to {LONGEST_COURSE_ID} letters from A to Z, digits, hyphens and "
            "underscores, and no spaces.",
        )
    return course_id
