"""One loopback server that plays the LMS's key set and services, and SCORM Cloud, at full speed.

It answers at once (SCORM Cloud's part after a latency, which GET /latency/SECONDS sets) and does
as little as it can, so that a benchmark measures the bridge and not its surroundings.

    python -m tests.benchmarks.stub PORT KEY_FILE
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

KEY_ID = "bench"


def platform_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the platform's signing key, made once and kept beside the run's other files."""
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(pem)
    loaded = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


class Stub:
    """What the stub knows: the key set, and which registrations exist."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        self.key_set = json.dumps({"keys": [{**jwk, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]})
        self.latency = 0.0
        self.score_latency = 0.0
        self.registrations: set[str] = set()
        self.scores = 0

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Return status and body for one request."""
        if path.startswith("/latency/"):
            self.latency = float(path.rpartition("/")[2])
            return 200, ""
        if path.startswith("/score-latency/"):
            self.score_latency = float(path.rpartition("/")[2])
            return 200, ""
        if path.endswith("/jwks"):
            return 200, self.key_set
        if path.endswith("/token"):
            token = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600, "scope": ""}
            return 200, json.dumps(token)
        if "/scores" in path:
            self.scores += 1
            return 200, ""
        if path == "/count":
            return 200, json.dumps({"scores": self.scores, "seats": len(self.registrations)})
        return self.answer_scorm_cloud(method, path, body)

    def answer_scorm_cloud(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Answer the calls of a launch and of a read."""
        name = path.partition("/registrations")[2].partition("?")[0].strip("/")
        if name.endswith("/launchLink"):
            return 200, '{"launchLink": "http://127.0.0.1/player/1"}'
        if method == "POST":
            self.registrations.add(json.loads(body)["registrationId"])
            return 204, ""
        if method == "HEAD":
            return (200 if name in self.registrations else 404), ""
        progress = {"id": name, "registrationCompletion": "COMPLETED", "instance": 0}
        progress |= {"registrationSuccess": "PASSED", "score": {"scaled": 80}}
        return 200, json.dumps(progress)

    async def serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer request after request until the client closes."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.serve_request(head.decode("latin-1"), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve_request(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read one body and write one answer."""
        method, path, _ = head.split(" ", 2)
        length = 0
        for line in head.split("\r\n")[1:]:
            if line.lower().startswith("content-length:"):
                length = int(line.partition(":")[2])
        body = await reader.readexactly(length) if length else b""
        latency = self.score_latency if "/scores" in path else 0.0
        if path.startswith("/api/v2/"):
            latency = self.latency
        if latency:
            await asyncio.sleep(latency)
        status, text = self.answer(method, path, body)
        date = format_datetime(datetime.now(UTC), usegmt=True)
        size = "" if method == "HEAD" or status == 204 else f"Content-Length: {len(text)}\r\n"
        writer.write(
            f"HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Type: application/json\r\n"
            f"{size}\r\n{'' if method == 'HEAD' else text}".encode()
        )
        await writer.drain()


async def main(port: int, key_path: Path) -> None:
    """Serve until the process is ended."""
    stub = Stub(platform_key(key_path))
    server = await asyncio.start_server(stub.serve_connection, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
