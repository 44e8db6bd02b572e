"""What is a package, and what its course may be called."""

import io
import zipfile

import pytest

from lti_bridge.courses.check_package import (
    UploadRefused,
    check_course_id,
    check_package,
    propose_course_id,
)


def zipped(*names: str) -> io.BytesIO:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return body


@pytest.mark.parametrize(
    "name", ["imsmanifest.xml", "IMSManifest.XML", "cmi5.xml", "tincan.xml", "course.crs"]
)
def test_package_has_a_manifest_at_its_top(name):
    file = zipped("index.html", name)

    check_package(file)

    assert file.tell() == 0


@pytest.mark.parametrize(
    "names, says",
    [
        ((), "no imsmanifest.xml at its top. Export"),
        (("index.html",), "no imsmanifest.xml at its top. Export"),
        (("golf/imsmanifest.xml", "golf/x"), "in the folder “golf”: zip what is in that folder"),
        (("golf\\imsmanifest.xml",), "in the folder “golf”"),
        (("a/b/tincan.xml",), "in the folder “a/b”"),
        (("inner.zip",), "another zip: unpack it"),
        (("deep/course.crs",), "no imsmanifest.xml"),
    ],
    ids=["empty", "web page", "folder in it", "backslash", "deep folder", "zip in it", "deep AICC"],
)
def test_zip_without_manifest_says_what_to_do(names, says):
    with pytest.raises(UploadRefused, match=says) as refused:
        check_package(zipped(*names))

    assert refused.value.code == "no_manifest"


@pytest.mark.parametrize(
    "body",
    [b"", b"%PDF-1.7", b"PK\x03\x04broken", b"\0" * 100],
    ids=["empty", "PDF", "broken zip", "zero bytes"],
)
def test_other_files_are_not_packages(body):
    with pytest.raises(UploadRefused) as refused:
        check_package(io.BytesIO(body))

    assert refused.value.code == "not_a_zip"


def test_damaged_zip_is_not_a_package():
    body = zipped("imsmanifest.xml").getvalue()

    with pytest.raises(UploadRefused, match="not a zip"):
        check_package(io.BytesIO(body[: len(body) // 2]))


@pytest.mark.parametrize(
    "file_name, course_id",
    [
        ("Golf.zip", "golf"),
        ("Fire Safety v1.2.zip", "fire-safety-v1-2"),
        ("C:\\Users\\ida\\Ärger & Größe.zip", "arger-groe"),
        ("../../etc/passwd", "passwd"),
        ("日本.zip", "course"),
        ("", "course"),
        ("--.zip", "course"),
        ("x" * 300 + ".zip", "x" * 60),
    ],
    ids=[
        "one word",
        "spaces and dots",
        "Windows path with umlauts",
        "path that climbs",
        "no latin letter",
        "no name",
        "only dashes",
        "too long",
    ],
)
def test_course_id_comes_from_the_file_s_name(file_name, course_id):
    proposed = propose_course_id(file_name)

    assert proposed == course_id
    assert check_course_id(proposed) == proposed


@pytest.mark.parametrize(
    "course_id",
    ["", " ", "a b", "a/b", "ä", "a" * 101, "x\n\ny", "a.b"],
    ids=["empty", "blank", "space", "slash", "umlaut", "too long", "line breaks", "dot"],
)
def test_risky_course_ids_are_refused(course_id):
    with pytest.raises(UploadRefused, match="letters from A to Z"):
        check_course_id(course_id)


def test_spaces_around_a_course_id_do_not_matter():
    assert check_course_id(" Golf_2-a ") == "Golf_2-a"
