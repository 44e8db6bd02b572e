"""Build a sample package: a manifest, one page, one script, one style sheet."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lti_sandbox.sample_courses.texts import DATA_PROTECTION, FIRE_SAFETY

HERE = Path(__file__).parent / "content"
# One fixed moment, so that the same kind gives the same bytes.
ZIP_DATE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Kind:
    """What one kind of sample teaches and how it reports."""

    standard: str
    course_id: str
    course: dict[str, Any]
    reports: str = "quiz"


KINDS: dict[str, Kind] = {
    "scorm12-quiz": Kind("1.2", "practice-fire-safety", FIRE_SAFETY),
    "scorm2004-quiz": Kind("2004", "practice-data-protection", DATA_PROTECTION),
    "scorm12-no-quiz": Kind("1.2", "practice-reading-only", FIRE_SAFETY, "reading"),
    "scorm12-early-completed": Kind("1.2", "practice-early-completed", FIRE_SAFETY, "early"),
    "scorm2004-success-only": Kind("2004", "practice-success-only", DATA_PROTECTION, "success"),
    "scorm12-score-only": Kind("1.2", "practice-score-only", FIRE_SAFETY, "score"),
}
SUFFIXES = {
    "quiz": "",
    "reading": " (reading only)",
    "early": " (completed early)",
    "success": " (success only)",
    "score": " (score only)",
}


def course_id(kind: str) -> str:
    """Return the course id under which a kind of sample is imported; KeyError if unknown."""
    return KINDS[kind].course_id


def title(kind: str) -> str:
    """Return the title of a kind of sample; KeyError if unknown."""
    return str(KINDS[kind].course["title"]) + SUFFIXES[KINDS[kind].reports]


def build_sample(kind: str) -> bytes:
    """Return the zip of a kind of sample, always the same bytes; KeyError if unknown."""
    settings = KINDS[kind]
    course = {**settings.course, "title": title(kind), "reports": settings.reports}
    course["standard"] = settings.standard
    page = (HERE / "index.html").read_text("utf-8").replace("{{title}}", escape(title(kind)))
    files = {
        "imsmanifest.xml": _manifest(kind),
        "index.html": page,
        "course.css": (HERE / "course.css").read_text("utf-8"),
        "course.js": (HERE / "course.js").read_text("utf-8"),
        "reporting.js": (HERE / "reporting.js").read_text("utf-8"),
        "content.js": f"var COURSE = {json.dumps(course, ensure_ascii=False, indent=1)};\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), text.encode())
    return packed.getvalue()


def _manifest(kind: str) -> str:
    settings = KINDS[kind]
    template = "manifest12.xml" if settings.standard == "1.2" else "manifest2004.xml"
    # A mastery score would let the LMS set the status; these kinds leave it to the course.
    mastery = "<adlcp:masteryscore>80</adlcp:masteryscore>" if settings.reports == "quiz" else ""
    text = (HERE / template).read_text("utf-8")
    text = text.replace("{{id}}", settings.course_id).replace("{{title}}", escape(title(kind)))
    return text.replace("{{mastery}}", mastery)
