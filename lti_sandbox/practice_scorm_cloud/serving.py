"""Responses with a course's content files: media type, charset, ranges, caching."""

import codecs
import io
import re
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path

from flask import Response, request
from werkzeug.wsgi import wrap_file

from lti_sandbox.practice_scorm_cloud.cloud import Cloud

MAX_AGE_SECONDS = 600
PIECE_BYTES = 64 * 1024
# Python's own tables: those of machines differ.
TYPES = MimeTypes()
for extension, media_type in {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".otf": "font/otf",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".vtt": "text/vtt",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
}.items():
    TYPES.add_type(media_type, extension)

BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Charset declarations of texts, within the first bytes of a page.
LOOKED_AT_BYTES = 1024
LONGEST_TEXT_BYTES = 8 * 1024 * 1024
DECLARATIONS = {
    "text/html": re.compile(rb"charset\s*=", re.I),
    "text/css": re.compile(rb"^@charset", re.I),
    "text/xml": re.compile(rb"^<\?xml[^>]*encoding", re.I),
}


class ContentFile(io.FileIO):
    """A file that closes itself: Werkzeug's server leaves it open after a disconnect."""

    def __del__(self) -> None:
        self.close()


def no_such_file() -> Response:
    """Return the 404 of a file that a course lacks."""
    return Response("This file is not part of the course.", 404, mimetype="text/plain")


def answer_file(cloud: Cloud, course_id: str, version: int, path: str) -> Response:
    """Answer with one file of a course version, or the part of it that was asked for.

    Raises RequestedRangeNotSatisfiable, which is a 416.
    """
    place = cloud.content.find(course_id, version, path)
    if place is None or not place.is_file():
        return no_such_file()
    kind, facts = media_type_of(path), place.stat()
    body = wrap_file(request.environ, ContentFile(place), PIECE_BYTES)
    answer = Response(body)
    answer.headers["Content-Type"] = kind + charset_of(kind, place)
    answer.headers["Cache-Control"] = f"private, max-age={MAX_AGE_SECONDS}"
    answer.content_length = facts.st_size
    answer.last_modified = datetime.fromtimestamp(facts.st_mtime, UTC)
    answer.set_etag(f"{facts.st_mtime_ns:x}-{facts.st_size:x}")
    answer.make_conditional(request, accept_ranges=True, complete_length=facts.st_size)
    return answer


def media_type_of(path: str) -> str:
    """Return the media type of a file by its name."""
    kind, packed = TYPES.guess_type(path, strict=False)
    return kind if kind and not packed else "application/octet-stream"


def charset_of(kind: str, file: Path) -> str:
    """Return the parameter that names a text's charset: UTF-8, or nothing.

    The header would override a file's own declaration, so it is left out for a file with one, and
    for files that are not UTF-8, which browsers read like the page that uses them.
    """
    if not kind.startswith("text/") or file.stat().st_size > LONGEST_TEXT_BYTES:
        return ""
    body = file.read_bytes()
    declared = DECLARATIONS.get(kind)
    if body.startswith(BYTE_ORDER_MARKS) or declared and declared.search(body[:LOOKED_AT_BYTES]):
        return ""
    try:
        body.decode()
    except UnicodeDecodeError:
        return ""
    return "; charset=utf-8"
