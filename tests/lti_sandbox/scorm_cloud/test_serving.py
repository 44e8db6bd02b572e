"""Content files: their own charset and type, parts of them, and what a browser keeps."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from lti_sandbox.practice_scorm_cloud.imports import Wanted, import_now
from lti_sandbox.practice_scorm_cloud.serving import ContentFile
from tests.lti_sandbox.scorm_cloud.practice import Practice
from tests.packages.build import Item, manifest, zipped

FILES = {
    "index.html": '<meta charset="iso-8859-1"><p>Gölf'.encode("latin-1"),
    "http-equiv.html": b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">',
    "silent.html": "<p>Gölf".encode(),
    "silent-latin.html": "<p>Gölf".encode("latin-1"),
    "marked.html": "<p>Gölf".encode("utf-16"),
    "latin.js": "var a = 'ö'".encode("latin-1"),
    "utf8.js": "var a = 'ö'".encode(),
    "own.css": b'@charset "iso-8859-1"; p {}',
    "plain.css": b"p {}",
    "data.json": b"{}",
    "film.mp4": bytes(range(100)),
    "film.webm": b"x",
    "tee.svg": b"<svg/>",
    "font.woff2": b"x",
    "run.wasm": b"x",
    "feed.xml": b"<a/>",
    "what.xyz": b"x",
}
TYPES = {
    "index.html": "text/html",
    "http-equiv.html": "text/html",
    "silent.html": "text/html; charset=utf-8",
    "silent-latin.html": "text/html",
    "marked.html": "text/html",
    "latin.js": "text/javascript",
    "utf8.js": "text/javascript; charset=utf-8",
    "own.css": "text/css",
    "plain.css": "text/css; charset=utf-8",
    "data.json": "application/json",
    "film.mp4": "video/mp4",
    "film.webm": "video/webm",
    "tee.svg": "image/svg+xml",
    "font.woff2": "font/woff2",
    "run.wasm": "application/wasm",
    "feed.xml": "text/xml; charset=utf-8",
    "what.xyz": "application/octet-stream",
}
Get = Callable[..., requests.Response]


@pytest.fixture
def get(practice: Practice) -> Get:
    """Ask for a content file of an open session."""
    course = manifest("1.2", "Golf", [Item("Play", "index.html")])
    done = import_now(practice.cloud, Wanted("c"), zipped({"imsmanifest.xml": course, **FILES}))
    assert done["status"] == "COMPLETE", done
    player = practice.session.get(practice.launch_link(practice.register("r", "c")), timeout=20)
    base = player.url.replace("/player/", "/content/")

    def get_file(path: str, **headers: str) -> requests.Response:
        return practice.session.get(f"{base}/{path}", headers=headers, timeout=20)

    return get_file


def test_files_have_their_own_type_and_charset(get: Get) -> None:
    assert {name: get(name).headers["Content-Type"] for name in FILES} == TYPES


def test_part_of_a_file_is_served(get: Get) -> None:
    part = get("film.mp4", Range="bytes=10-19")
    rest = get("film.mp4", Range="bytes=90-")
    beyond = get("film.mp4", Range="bytes=100-")

    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    assert (rest.status_code, rest.content) == (206, bytes(range(90, 100)))
    assert beyond.status_code == 416
    assert get("film.mp4").headers["Accept-Ranges"] == "bytes"


def test_unchanged_file_is_not_sent_again(get: Get) -> None:
    first = get("film.mp4")
    by_tag = get("film.mp4", **{"If-None-Match": first.headers["ETag"]})
    by_date = get("film.mp4", **{"If-Modified-Since": first.headers["Last-Modified"]})

    assert (by_tag.status_code, by_tag.content) == (304, b"")
    assert by_date.status_code == 304
    assert first.headers["Cache-Control"] == "private, max-age=600"


def test_other_file_is_not_there(get: Get) -> None:
    assert get("none.html").status_code == 404
    assert get("%2e%2e/%2e%2e/store.py").status_code == 404


def test_file_whose_reader_has_gone_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "film.mp4"
    place.write_bytes(b"x")
    file = ContentFile(place)
    number = file.fileno()

    del file

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
