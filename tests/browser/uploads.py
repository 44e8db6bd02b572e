"""Send a package with the command, as a newcomer does after `make demo`."""

import subprocess
import sys
from pathlib import Path

from lti_bridge.core.config import environment_without_settings


def upload(config: Path, package: Path, course_id: str) -> subprocess.CompletedProcess[str]:
    """Run `course upload` to its end."""
    command = [sys.executable, "-m", "lti_bridge", "--config", str(config), "course"]
    return subprocess.run(
        [*command, "upload", str(package), "--course-id", course_id],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment_without_settings(),
    )
