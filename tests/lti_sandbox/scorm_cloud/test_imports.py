"""Every import ends, and says why in words; odd packages become the courses that they are."""

import struct
import unicodedata
from typing import Any

import pytest

from lti_sandbox.practice_scorm_cloud import imports
from lti_sandbox.practice_scorm_cloud.packages import Package, launch_href, parse_package
from lti_sandbox.practice_scorm_cloud.zips import BadPackage, read_zip
from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until
from tests.packages.build import Item, manifest, zipped

PAGE = {"index.html": b"<p>Hello</p>"}
COURSE = manifest("1.2", "Golf", [Item("Play", "index.html")])


def import_zip(practice: Practice, body: bytes) -> dict[str, Any]:
    """Upload a zip and return the job when it has ended."""
    path = "/courses/importJobs/upload?courseId=c"
    answer = practice.api("POST", path, files={"file": ("c.zip", body)})
    return ended_job(practice, answer.json()["result"])


def ended_job(practice: Practice, job: str) -> dict[str, Any]:
    """Return a job once it has ended."""

    def ended() -> Any:
        found = practice.api("GET", f"/courses/importJobs/{job}").json()
        return None if found["status"] == "RUNNING" else found

    found: dict[str, Any] = wait_until(ended)
    return found


def parsed(files: dict[str, bytes | str]) -> Package:
    return parse_package(read_zip(zipped(files)))


def damaged() -> bytes:
    """Return a zip of which one byte in the packed page is another one."""
    body = bytearray(zipped({"imsmanifest.xml": COURSE, "index.html": b"Hello, Golf! " * 99}))
    name_bytes, extra_bytes = struct.unpack("<HH", body[26:30])
    packed_bytes = struct.unpack("<I", body[18:22])[0]
    second = 30 + name_bytes + extra_bytes + packed_bytes
    body[second + 30 + len("index.html") + 4] ^= 0xFF
    return bytes(body)


def encrypted() -> bytes:
    """Return a zip whose entries say that they are encrypted."""
    body = bytearray(zipped({"imsmanifest.xml": COURSE, **PAGE}))
    at = 0
    while (at := body.find(b"PK\x01\x02", at)) >= 0:
        body[at + 8] |= 1
        at += 4
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (zipped({"imsmanifest.xml": COURSE, **PAGE})[:-30], "not a zip"),
        (damaged(), "The zip is damaged: the file 'index.html'"),
        (encrypted(), "protected by a password"),
        (zipped({"course.crs": b"", "course.au": b""}), "an AICC package"),
        (zipped({"cmi5.xml": b""}), "a cmi5 package"),
        (zipped({"tincan.xml": b""}), "an xAPI"),
        (zipped({"Golf/imsmanifest.xml": COURSE}), "lies in the folder 'Golf'"),
        (zipped({"Golf\\imsmanifest.xml": COURSE}), "lies in the folder 'Golf'"),
        (zipped({"IMSMANIFEST.XML": COURSE}), "small letters"),
        (zipped({"golf.zip": b""}), "another zip"),
        (zipped({"imsmanifest.xml": b'<?xml version="1.0" encoding="klingon"?><a/>'}), "klingon"),
        (zipped({"imsmanifest.xml": "<a>ü</a>".encode("latin-1")}), "not in its encoding"),
        (
            zipped({"imsmanifest.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16")}),
            "entities",
        ),
        (
            zipped({"imsmanifest.xml": "<manifest xmlns='http://x/imsccv1p1'/>"}),
            "Common Cartridge",
        ),
        (
            zipped({"imsmanifest.xml": manifest("1.2", "x", [Item("x", "https://x.example/")])}),
            "another site",
        ),
    ],
    ids=[
        "cut off",
        "damaged",
        "encrypted",
        "AICC",
        "cmi5",
        "xAPI",
        "in a folder",
        "in a folder of Windows",
        "name in capitals",
        "zip in a zip",
        "unknown encoding",
        "wrong encoding",
        "entities",
        "Common Cartridge",
        "page on another site",
    ],
)
def test_failed_import_ends_in_words(practice: Practice, body: bytes, sentence: str) -> None:
    job = import_zip(practice, body)

    assert job["status"] == "ERROR"
    assert sentence in job["message"]


def test_import_that_dies_has_ended(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(imports, "parse_package", die)

    job = import_zip(practice, zipped({"imsmanifest.xml": COURSE, **PAGE}))

    assert job["status"] == "ERROR"
    assert "RecursionError: too deep" in job["message"]


def test_fetch_that_goes_on_has_an_end(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LONGEST_FETCH_SECONDS", -1)

    source = {"url": f"{practice.url}/control/requests"}
    job = practice.api("POST", "/courses/importJobs?courseId=c", json=source).json()["result"]

    assert "within five minutes" in ended_job(practice, job)["message"]


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("GB2312", "高尔夫"),
        ("Shift_JIS", "ゴルフ"),
        ("UTF-16", "Gölf"),
        ("EUC-KR", "골프"),
        ("Big5", "高爾夫"),
        ("windows-1251", "Гольф"),
        ("ISO-8859-1", "Gölf"),
        ("UTF-8", "Gölf"),
    ],
    ids=["GB2312", "Shift_JIS", "UTF-16", "EUC-KR", "Big5", "windows-1251", "ISO-8859-1", "UTF-8"],
)
def test_manifest_is_read_in_its_encoding(encoding: str, title: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{COURSE.replace("Golf", title)}'

    assert parsed({"imsmanifest.xml": text.encode(encoding), **PAGE}).title == title


@pytest.mark.parametrize(
    ("written", "declared"),
    [("utf-16-le", "UTF-16"), ("utf-8", "UTF-16"), ("utf-8-sig", "UTF-8"), ("utf-8-sig", None)],
    ids=[
        "UTF-16 without a mark",
        "UTF-8 declared as UTF-16",
        "UTF-8 with a mark",
        "mark without a declaration",
    ],
)
def test_encoding_is_seen_in_the_bytes(written: str, declared: str | None) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = head + COURSE.replace("Golf", "Gölf")

    assert parsed({"imsmanifest.xml": text.encode(written), **PAGE}).title == "Gölf"


@pytest.mark.parametrize(
    ("href", "parameters", "address"),
    [
        ("a.html", "", "a.html"),
        ("a.html", "x=1", "a.html?x=1"),
        ("a.html", "?x=1", "a.html?x=1"),
        ("a.html", "&x=1&y=2", "a.html?x=1&y=2"),
        ("a.html?z=0", "?x=1", "a.html?z=0&x=1"),
        ("a.html?z=0", "x=1", "a.html?z=0&x=1"),
        ("a.html", "#top", "a.html#top"),
        ("a.html#end", "#top", "a.html#end"),
        ("a.html#end", "?x=1", "a.html?x=1#end"),
        ("a.html", "?x=1#top", "a.html?x=1#top"),
        ("pages\\a.html?x=b\\c", "", "pages/a.html?x=b\\c"),
    ],
    ids=[
        "none",
        "bare",
        "with a question mark",
        "with an ampersand",
        "after a query",
        "bare after a query",
        "fragment",
        "second fragment",
        "query before the fragment",
        "query and fragment",
        "backslashes",
    ],
)
def test_parameters_are_joined(href: str, parameters: str, address: str) -> None:
    assert launch_href(href, parameters) == address


@pytest.mark.parametrize(
    ("version", "old", "standard"),
    [
        ("1.2", True, "SCORM12"),
        ("CAM 1.3", False, "SCORM20042NDEDITION"),
        ("2004", False, "SCORM20043RDEDITION"),
        ("2004 3rd Edition", False, "SCORM20043RDEDITION"),
        ("2004 4TH EDITION", False, "SCORM20044THEDITION"),
        ("", False, "SCORM20043RDEDITION"),
        ("", True, "SCORM12"),
    ],
    ids=[
        "1.2",
        "CAM 1.3",
        "2004",
        "2004 3rd Edition",
        "2004 4TH EDITION",
        "2004 without a version",
        "1.2 without a version",
    ],
)
def test_standard_is_recognised(version: str, old: bool, standard: str) -> None:
    text = manifest("1.2" if old else "2004", "Golf", [Item("Play", "index.html")])
    known = "1.2" if old else "2004 4th Edition"
    said = f"<schemaversion>{version}</schemaversion>" if version else ""
    text = text.replace(f"<schemaversion>{known}</schemaversion>", said)

    package = parsed({"imsmanifest.xml": text, **PAGE})

    assert (package.standard, package.warnings) == (standard, [])


@pytest.mark.parametrize(
    ("in_zip", "in_manifest"),
    [
        ("pages\\index.html", "pages/index.html"),
        ("pages/index.html", "pages\\index.html"),
        ("Part 1: tees.html", "Part 1: tees.html"),
        ("Part 1: tees.html", "Part%201%3A%20tees.html"),
        (unicodedata.normalize("NFD", "Übung.html"), unicodedata.normalize("NFC", "Übung.html")),
        (unicodedata.normalize("NFC", "Übung.html"), unicodedata.normalize("NFD", "Übung.html")),
        ("index.html", " index.html "),
    ],
    ids=["backslash in zip", "in manifest", "colon", "escaped", "decomposed", "composed", "spaces"],
)
def test_odd_name_is_found_and_served(practice: Practice, in_zip: str, in_manifest: str) -> None:
    course = manifest("1.2", "Golf", [Item("Play", in_manifest)])

    job = import_zip(practice, zipped({"imsmanifest.xml": course, in_zip: b"tee"}))

    assert job["status"] == "COMPLETE", job
    found = practice.cloud.content.find("c", 0, in_zip)
    assert found is not None and found.read_bytes() == b"tee"


def test_name_in_utf8_without_its_flag_is_found() -> None:
    course = manifest("1.2", "Golf", [Item("Play", "Übung.html")])
    body = zipped({"imsmanifest.xml": course, "Übung.html": b"tee"})
    without_flag = body.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00")

    assert without_flag != body
    assert "Übung.html" in read_zip(without_flag)


def test_spaces_around_identifiers_do_not_count() -> None:
    text = COURSE.replace('identifier="r1"', 'identifier=" r1 "').replace('"o"', '"o "', 1)

    package = parsed({"imsmanifest.xml": text, **PAGE})

    assert (package.title, package.warnings) == ("Golf", [])


@pytest.mark.parametrize(
    "path",
    ["C:\\evil", "c:evil", "a/../../evil", "/evil"],
    ids=["drive", "drive without a slash", "climbing", "absolute"],
)
def test_path_that_leaves_is_refused(path: str) -> None:
    with pytest.raises(BadPackage, match="leaves"):
        read_zip(zipped({path: b"x"}))
