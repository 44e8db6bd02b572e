"""PostgreSQL and Redis servers of our own, to be stopped and started while the bridge runs."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import redis
import sqlalchemy

from lti_bridge.core.db import sqlalchemy_url
from tests.ports import free_port
from tests.story.stage import wait_for


class PostgresqlServer:
    """A PostgreSQL server on a free loopback port, with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        if _as_postgres():
            shutil.chown(folder, "postgres")
        create = [_program("initdb"), "-D", str(folder / "data"), "-U", "bridge", "--auth=trust"]
        subprocess.run(create, check=True, cwd=folder, stdout=subprocess.DEVNULL, **_as_postgres())

    @property
    def url(self) -> str:
        return f"postgresql://bridge@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        place = ["-p", str(self._port), "-h", "127.0.0.1", "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self._folder / "data"), *place]
                + ["-c", "fsync=off", "-c", "max_connections=300"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                **_as_postgres(),
            )
        wait_for(self._answers, "PostgreSQL to answer")

    def stop(self) -> None:
        """End the server at once, as a power cut does; what was committed is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        engine = sqlalchemy.create_engine(sqlalchemy_url(self.url))
        try:
            with engine.connect():
                return True
        except sqlalchemy.exc.OperationalError:
            return False
        finally:
            engine.dispose()


class RedisServer:
    """A Redis server on a free loopback port that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start the server, empty, and wait until it answers."""
        place = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                [_program("redis-server"), *place, "--save", ""],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for(self._answers, "Redis to answer")

    def stop(self) -> None:
        """End the server at once; every job in it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Remove every job."""
        with redis.Redis.from_url(self.url) as client:
            client.flushdb()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def _program(name: str) -> str:
    """Return where a server's program is: on the PATH, or where Debian keeps PostgreSQL's."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(kept[-1]) if kept else None)
    assert found, f"{name} is not installed here"
    return found


def _as_postgres() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, so root borrows the user that its package made."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}
