"""Reading of zips: limits of size, safe paths, and one file at a time."""

import io
import lzma
import posixpath
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, BinaryIO

MAX_FILES = 20_000
MAX_TOTAL_BYTES = 512 * 1024 * 1024
MAX_RATIO = 200
RATIO_MATTERS_ABOVE_BYTES = 10 * 1024 * 1024
MAX_READ_BYTES = 16 * 1024 * 1024

# Flags of a zip's entry, APPNOTE.TXT section 4.4.4.
ENCRYPTED, NAMED_IN_UTF8 = 0x1, 0x800
NOT_A_ZIP = "The file is not a zip that can be read."
# What zipfile raises for damaged data; an OSError without errno is bz2's.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class BadPackage(Exception):
    """The file cannot become a course; the message says why."""


class ZipFiles(Mapping[str, bytes]):
    """The files of a zip by their normal paths; each is read when it is asked for."""

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._entries = entries

    def __getitem__(self, path: str) -> bytes:
        if self._entries[path].file_size > MAX_READ_BYTES:
            raise BadPackage(f"The file {path!r} in the zip is larger than 16 MB.")
        with self.open(path) as file:
            return file.read()

    def __contains__(self, path: object) -> bool:
        return path in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open one file to read it piece by piece; BadPackage when it cannot be unpacked."""
        damaged = f"The zip is damaged: the file {path!r} in it cannot be unpacked."
        with _in_words(damaged), self._archive.open(self._entries[path]) as file:
            yield file


def read_zip(source: BinaryIO | bytes) -> ZipFiles:
    """Return the files of a zip; BadPackage for a bomb, a path that escapes, or no zip at all.

    A file given as `source` stays the caller's, and stays open as long as the result is used.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with _in_words(NOT_A_ZIP):
        archive = zipfile.ZipFile(file)
        entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
    _guard(entries)
    return ZipFiles(archive, {_safe_path(entry): entry for entry in entries})


def normal_path(name: str) -> str:
    """Normalise a path: slashes, composed characters, no dots.

    macOS writes names with decomposed characters, while pages refer to composed ones.
    """
    return posixpath.normpath(unicodedata.normalize("NFC", name.replace("\\", "/")))


@contextmanager
def _in_words(sentence: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as problem:
        raise BadPackage(sentence) from problem
    except OSError as problem:
        if problem.errno is not None:
            raise
        raise BadPackage(sentence) from problem


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\"))


def _guard(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        raise BadPackage(f"The zip holds more than {MAX_FILES} files.")
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise BadPackage("The zip holds more than 512 MB when unpacked.")
    if total > RATIO_MATTERS_ABOVE_BYTES and total > MAX_RATIO * max(packed, 1):
        raise BadPackage("The zip unpacks to far more than it should; it looks like a zip bomb.")
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise BadPackage("The zip is protected by a password. Pack it without one.")


def _safe_path(entry: zipfile.ZipInfo) -> str:
    path = normal_path(_name(entry))
    if path.startswith(("/", "../")) or path == ".." or re.match("[A-Za-z]:", path):
        raise BadPackage(f"The zip holds a path that leaves it: {entry.filename!r}.")
    return path


def _name(entry: zipfile.ZipInfo) -> str:
    if not entry.flag_bits & NAMED_IN_UTF8:
        with suppress(UnicodeError):  # macOS writes UTF-8 without the flag that says so
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename
