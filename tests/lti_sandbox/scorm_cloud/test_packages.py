"""Zips that become courses and zips that do not."""

import io
import zipfile

import pytest

from lti_sandbox.practice_scorm_cloud.packages import parse_package
from lti_sandbox.practice_scorm_cloud.zips import BadPackage, read_zip
from lti_sandbox.sample_courses import KINDS, build_sample
from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_is_a_package(kind: str) -> None:
    package = parse_package(read_zip(build_sample(kind)))

    standard = "SCORM12" if KINDS[kind].standard == "1.2" else "SCORM20044THEDITION"
    assert (package.standard, package.warnings) == (standard, [])
    assert package.sco["href"].partition("?")[0] == "index.html"


def test_samples_are_the_same_bytes_each_time() -> None:
    assert build_sample("scorm12-quiz") == build_sample("scorm12-quiz")


def test_manifest_gives_passing_scores() -> None:
    old = parse_package(read_zip(build_sample("scorm12-quiz")))
    new = parse_package(read_zip(build_sample("scorm2004-quiz")))

    assert old.sco["mastery_score"] == 80
    assert new.sco["scaled_passing_score"] == 0.8


@pytest.mark.parametrize(
    "name",
    ["../evil.html", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"],
    ids=["parent", "absolute", "climbing", "parent with a backslash", "drive"],
)
def test_refuses_a_path_that_leaves(name: str) -> None:
    with pytest.raises(BadPackage, match="leaves"):
        read_zip(zipped({name: b"x"}))


def test_refuses_a_bomb() -> None:
    with pytest.raises(BadPackage, match="bomb"):
        read_zip(zipped({"big.bin": b"\0" * 20_000_000}))


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"index.html": b""}, "no imsmanifest.xml"),
        ({"imsmanifest.xml": b"<manifest"}, "not well-formed"),
        ({"imsmanifest.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}, "entities"),
        ({"imsmanifest.xml": b"<manifest/>"}, "no organization"),
        (
            {
                "imsmanifest.xml": b"<manifest><organizations><organization><title>T</title>"
                b"</organization></organizations></manifest>"
            },
            "no item",
        ),
        (
            {
                "imsmanifest.xml": b"<manifest><organizations><organization>"
                b"<item identifier='i' identifierref='r'/></organization></organizations>"
                b"<resources><resource identifier='r' href='none.html'/></resources></manifest>"
            },
            "not in the zip",
        ),
    ],
    ids=["no manifest", "not xml", "entities", "no organization", "no item", "no page"],
)
def test_refuses_what_cannot_be_played(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(BadPackage, match=sentence):
        parse_package(files)


def test_reads_a_second_sco() -> None:
    manifest = (
        b"<manifest><organizations><organization><item identifierref='r'/>"
        b"<item identifierref='r'/></organization></organizations><resources>"
        b"<resource identifier='r' href='a%20b.html?x=1'/></resources></manifest>"
    )

    package = parse_package({"imsmanifest.xml": manifest, "a b.html": b""})

    assert package.warnings == []
    hrefs = [child["href"] for child in package.activities["children"]]
    assert hrefs == ["a%20b.html?x=1"] * 2


def job_of(practice: Practice, started: object) -> dict[str, object]:
    def finished() -> dict[str, object] | None:
        job = practice.api("GET", f"/courses/importJobs/{started}").json()
        return None if job["status"] == "RUNNING" else job

    found: dict[str, object] = wait_until(finished)
    return found


def test_broken_upload_ends_as_a_failed_job(practice: Practice) -> None:
    answer = practice.api(
        "POST", "/courses/importJobs/upload?courseId=c", files={"file": ("x.zip", b"no zip")}
    )

    job = job_of(practice, answer.json()["result"])
    assert (job["status"], job["message"]) == ("ERROR", "The file is not a zip that can be read.")
    assert practice.api("GET", "/courses/c").status_code == 404


def test_failed_fetch_ends_as_a_failed_job(practice: Practice) -> None:
    answer = practice.api(
        "POST", "/courses/importJobs?courseId=c", json={"url": practice.url + "/nowhere.zip"}
    )

    job = job_of(practice, answer.json()["result"])
    assert (answer.status_code, job["status"]) == (200, "ERROR")
    assert job["message"] == "The address answered 404."
