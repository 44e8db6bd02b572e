"""The multipart body that is read from a file while it is sent."""

import io
from email.parser import BytesParser
from email.policy import HTTP

import pytest

from lti_bridge.scorm_cloud.upload import CHUNK_BYTES, MultipartFile


class CountingFile(io.BytesIO):
    """Remembers the largest piece that was asked for."""

    largest = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.largest = max(self.largest, len(data))
        return data


def read_all(body: MultipartFile, size: int) -> bytes:
    pieces = iter(lambda: body.read(size), b"")
    return b"".join(pieces)


@pytest.mark.parametrize("size", [1, 7, 16384, -1], ids=str)
def test_is_one_part_named_file(size: int) -> None:
    content = bytes(range(256)) * 3
    body = MultipartFile(io.BytesIO(content), 'go"lf\r\n ü.zip')

    sent = read_all(body, size)

    assert len(sent) == len(body)
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    (part,) = BytesParser(policy=HTTP).parsebytes(head + sent).iter_parts()
    assert part.get_param("name", header="content-disposition") == "file"
    assert part.get_filename() == "go_lf___ü.zip".replace("ü", "ü")
    assert part.get_content() == content


def test_never_holds_the_whole_file() -> None:
    file = CountingFile(b"x" * (CHUNK_BYTES * 3 + 5))
    told: list[int] = []
    body = MultipartFile(file, "a.zip", told.append)

    read_all(body, 10 * CHUNK_BYTES)

    assert file.largest == CHUNK_BYTES
    assert told == [CHUNK_BYTES] * 3 + [5]


def test_starts_where_the_file_stands() -> None:
    file = io.BytesIO(b"skipped-kept")
    file.seek(8)
    body = MultipartFile(file, "a.zip")

    sent = read_all(body, -1)

    assert b"kept" in sent and b"skipped" not in sent
    assert len(sent) == len(body)
