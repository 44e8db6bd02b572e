"""A multipart request body that is read from a file while it is sent, not held in memory."""

import os
import secrets
from collections.abc import Callable
from typing import BinaryIO

CHUNK_BYTES = 256 * 1024


class MultipartFile:
    """File-like body with one part named `file`, for requests to stream."""

    def __init__(
        self, file: BinaryIO, file_name: str, progress: Callable[[int], None] | None = None
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        safe_name = "".join(c if c.isalnum() or c in "._-" else "_" for c in file_name)
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{safe_name}"\r\nContent-Type: application/zip\r\n\r\n'
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self._progress = progress
        start = file.tell()
        self._size = file.seek(0, os.SEEK_END) - start
        file.seek(start)
        self._parts = [self._head, None, self._tail]

    def __len__(self) -> int:
        """Return the length of the whole body in bytes."""
        return len(self._head) + self._size + len(self._tail)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the body, at most `size` or one chunk."""
        limit = CHUNK_BYTES if size < 0 else min(size, CHUNK_BYTES)
        while self._parts:
            part = self._parts[0]
            if part is None:
                data = self._file.read(limit)
                if data and self._progress:
                    self._progress(len(data))
            else:
                data, self._parts[0] = part[:limit], part[limit:]
            if data:
                return data
            self._parts.pop(0)
        return b""
