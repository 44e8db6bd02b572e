"""A package of 300 MB costs disk, not memory: in the command, and in the practice SCORM Cloud."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from lti_bridge.core.config import environment_without_settings
from tests.ports import free_port
from tests.practice_cloud import MANIFEST
from tests.story.stage import wait_for

pytestmark = [
    pytest.mark.deep("packs and sends 300 MB"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory in /proc"),
]
MEGABYTE = 1024 * 1024
PACKAGE_MEGABYTES = 300
MOST_MEGABYTES = 150


def write_large_package(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imsmanifest.xml", MANIFEST.format(title="Large"))
        archive.writestr("index.html", "<p>Hello</p>")
        with archive.open("film.mp4", "w") as film:
            for _ in range(PACKAGE_MEGABYTES):
                film.write(os.urandom(MEGABYTE))
    return path


@pytest.fixture
def large_package(tmp_path: Path) -> Path:
    return write_large_package(tmp_path / "large.zip")


@pytest.fixture
def scorm_cloud(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A practice SCORM Cloud as a process of its own: its address and its process id."""
    port = free_port()
    command = [sys.executable, "-m", "lti_bridge", "sandbox", "scorm-cloud", "--port", str(port)]
    with subprocess.Popen(command, env=environment_without_settings()) as process:
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                return requests.get(f"{url}/control/requests", timeout=10).ok
            except requests.ConnectionError:
                return False

        wait_for(answers, "the practice SCORM Cloud to start", 60)
        yield url, process.pid
        process.terminate()


def peak_megabytes(pid: int) -> float:
    """Return the most memory that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def test_large_package_costs_no_memory(
    large_package: Path, scorm_cloud: tuple[str, int], tmp_path: Path
) -> None:
    url, server = scorm_cloud
    config = tmp_path / "bridge.toml"
    config.write_text(
        f"data_dir = {json.dumps(str(tmp_path / 'data'))}\n"
        f'[scorm_cloud]\nbase_url = "{url}/api/v2"\napp_id = "practice"\nsecret_key = "practice"\n'
        "[launch]\nallow_private_networks = true\n"
    )
    command = [sys.executable, "-m", "lti_bridge", "--config", str(config)]
    env = environment_without_settings()
    subprocess.run([*command, "migrate"], env=env, check=True, timeout=60)

    upload = [*command, "course", "upload", str(large_package), "--course-id", "large"]
    peaks = {}
    with subprocess.Popen(upload, env=env, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(StopIteration):  # a process that is ending has no memory any more
                peaks["command"] = peak_megabytes(process.pid)
            time.sleep(0.02)

    assert process.returncode == 0
    peaks["practice server"] = peak_megabytes(server)
    print(peaks)
    assert all(peak < MOST_MEGABYTES for peak in peaks.values()), peaks
