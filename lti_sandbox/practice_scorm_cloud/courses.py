"""Courses and their versions."""

from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.errors import no_course
from lti_sandbox.practice_scorm_cloud.packages import Package
from lti_sandbox.practice_scorm_cloud.results import Document, without_unknown
from lti_sandbox.practice_scorm_cloud.store import dump, load
from lti_sandbox.practice_scorm_cloud.times import stamp


def find_course(cloud: Cloud, course_id: str, version: int | None = None) -> Document | None:
    """Return a course's newest (or a named) version, or None."""
    if version is None:
        row = cloud.store.one(
            "SELECT document FROM course WHERE id = ? ORDER BY version DESC LIMIT 1", course_id
        )
    else:
        row = cloud.store.one(
            "SELECT document FROM course WHERE id = ? AND version = ?", course_id, version
        )
    return load(row["document"]) if row else None


def get_course(cloud: Cloud, course_id: str, version: int | None = None) -> Document:
    """Return a course's newest (or a named) version; ApiError 404."""
    course = find_course(cloud, course_id, version)
    if course is None:
        raise no_course(course_id)
    return course


def newest_courses(cloud: Cloud) -> list[Document]:
    """Return the newest version of every course."""
    rows = cloud.store.all("SELECT document FROM course ORDER BY id, version")
    newest = {course["id"]: course for course in (load(row["document"]) for row in rows)}
    return list(newest.values())


def versions(cloud: Cloud, course_id: str) -> list[Document]:
    """Return every version of a course, oldest first; ApiError 404."""
    rows = cloud.store.all("SELECT document FROM course WHERE id = ? ORDER BY version", course_id)
    if not rows:
        raise no_course(course_id)
    return [load(row["document"]) for row in rows]


def add_version(
    cloud: Cloud, course_id: str, package: Package, places: dict[str, str], tags: list[str]
) -> Document:
    """Store a package as the next version of a course, counted from 0, and return it.

    `places` tells where its unpacked files lie.
    """
    with cloud.store.transaction():
        before = find_course(cloud, course_id)
        moment = stamp(cloud.now())
        course: Document = {
            "id": course_id,
            "version": before["version"] + 1 if before else 0,
            "title": package.title or course_id,
            "standard": package.standard,
            "created": before["created"] if before else moment,
            "updated": moment,
            "tags": tags or (before["tags"] if before else []),
            "root": package.root,
            "activities": package.activities,
        }
        store_course(cloud, course)
        cloud.content.attach(course_id, course["version"], places)
    return course


def store_course(cloud: Cloud, course: Document) -> None:
    """Write one version of a course."""
    cloud.store.run(
        "INSERT INTO course VALUES (?, ?, ?)"
        " ON CONFLICT (id, version) DO UPDATE SET document = excluded.document",
        *(course["id"], course["version"], dump(course)),
    )


def delete_course(cloud: Cloud, course_id: str, version: int | None = None) -> None:
    """Remove a course (or one version) and every registration in it; ApiError 404."""
    with cloud.store.transaction():
        get_course(cloud, course_id, version)
        if version is not None and len(versions(cloud, course_id)) > 1:
            places = cloud.content.detach(course_id, version)
            cloud.store.run("DELETE FROM course WHERE id = ? AND version = ?", course_id, version)
        else:
            places = cloud.content.detach(course_id)
            for table in ("registration", "link"):
                cloud.store.run(f"DELETE FROM {table} WHERE course_id = ?", course_id)
            cloud.store.run("DELETE FROM course WHERE id = ?", course_id)
    cloud.content.remove(places)


def course_json(
    cloud: Cloud, course: Document, *, count: bool = False, metadata: bool = False
) -> Document:
    """Return the CourseSchema of one version."""
    registrations = None
    if count:
        sql = "SELECT COUNT(*) FROM registration WHERE course_id = ?"
        registrations = cloud.store.count(sql, course["id"])
    shown = {
        "id": course["id"],
        "title": course["title"],
        "xapiActivityId": f"urn:practice:course:{course['id']}",
        "created": course["created"],
        "updated": course["updated"],
        "version": course["version"],
        "registrationCount": registrations,
        "activityId": course["root"]["externalIdentifier"],
        "courseLearningStandard": course["standard"],
        "tags": course["tags"] or None,
        "dispatched": False,
        "metadata": {"title": course["title"], "titleLanguage": "en"} if metadata else None,
        "rootActivity": course["root"],
    }
    return without_unknown(shown)
