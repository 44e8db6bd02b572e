"""Content files of courses, on disk under generated names, so that no path can escape."""

import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Iterable
from pathlib import Path

from lti_sandbox.practice_scorm_cloud.store import Store
from lti_sandbox.practice_scorm_cloud.zips import ZipFiles, normal_path

SCHEMA = """
CREATE TABLE IF NOT EXISTS content_file (
    course_id TEXT, version INTEGER, path TEXT, place TEXT NOT NULL,
    PRIMARY KEY (course_id, version, path))
"""
PIECE_BYTES = 1024 * 1024


class Content:
    """The files of every course version; without `data_dir` they are gone after `close`."""

    def __init__(self, store: Store, data_dir: Path | None) -> None:
        self._store = store
        self._data_dir = data_dir
        self._made: Path | None = None
        self._lock = threading.Lock()
        store.run(SCHEMA)
        self._move_out_of_the_database()

    def close(self) -> None:
        """Remove the files unless there is a `data_dir`."""
        if self._data_dir is None and self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        """The folder of all files, made when the first of them comes."""
        with self._lock:
            if self._made is not None:
                return self._made
            if self._data_dir is None:
                self._made = Path(tempfile.mkdtemp(prefix="practice-scorm-cloud-"))
                weakref.finalize(self, shutil.rmtree, self._made, ignore_errors=True)
            else:
                self._made = self._data_dir / "content"
                self._made.mkdir(exist_ok=True)
            return self._made

    def unpack(self, files: ZipFiles) -> dict[str, str]:
        """Write every file to disk; returns the place of each path.

        Raises BadPackage for a damaged file, OSError without room; then nothing is left.
        """
        name = uuid.uuid4().hex
        (self._folder / name).mkdir()
        places = {path: f"{name}/{number}" for number, path in enumerate(files)}
        try:
            for path, place in places.items():
                with files.open(path) as packed, (self._folder / place).open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, PIECE_BYTES)
        except BaseException:
            self.remove(places.values())
            raise
        return places

    def attach(self, course_id: str, version: int, places: dict[str, str]) -> None:
        """Make unpacked files the content of one version, within the caller's transaction."""
        for path, place in places.items():
            self._store.run(
                "INSERT INTO content_file VALUES (?, ?, ?, ?)", course_id, version, path, place
            )

    def find(self, course_id: str, version: int, path: str) -> Path | None:
        """Return where a content file of one version lies, or None."""
        row = self._store.one(
            "SELECT place FROM content_file WHERE course_id = ? AND version = ? AND path = ?",
            *(course_id, version, normal_path(path)),
        )
        return self._folder / row["place"] if row else None

    def detach(self, course_id: str, version: int | None = None) -> list[str]:
        """Forget the files of a course, or of one version; returns their places, to `remove`."""
        clause = "WHERE course_id = ? AND (? IS NULL OR version = ?)"
        values = (course_id, version, version)
        rows = self._store.all(f"SELECT place FROM content_file {clause}", *values)
        self._store.run(f"DELETE FROM content_file {clause}", *values)
        return [row["place"] for row in rows]

    def remove(self, places: Iterable[str]) -> None:
        """Take files from the disk, with all that were unpacked together with them."""
        for name in {place.partition("/")[0] for place in places}:
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def _move_out_of_the_database(self) -> None:
        """Earlier releases kept every body in a row of the table `content`."""
        if self._store.one("SELECT 1 FROM sqlite_master WHERE name = 'content'") is None:
            return
        with self._store.transaction():
            for key in self._store.all("SELECT course_id, version, path FROM content"):
                clause = "WHERE course_id = ? AND version = ? AND path = ?"
                row = self._store.one(f"SELECT body FROM content {clause}", *key)
                place = f"{uuid.uuid4().hex}/0"
                (self._folder / place).parent.mkdir()
                (self._folder / place).write_bytes(row["body"] if row else b"")
                self.attach(key["course_id"], key["version"], {normal_path(key["path"]): place})
            self._store.run("DROP TABLE content")
