"""The wheel carries everything that the bridge reads at run time."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lti_bridge.core.config import environment_without_settings

ROOT = Path(__file__).parent.parent
# What is read at run time from beside the package in a checkout.
SHIPPED = ("templates", "migrations", "configs")
IGNORED = {".pyc", ".pyo"}
PACKAGES = ("lti_bridge", "lti_sandbox")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a clean copy, as `pip install .` does."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", BUILD, str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


BUILD = """
import sys
from hatchling.build import build_wheel
print(build_wheel(sys.argv[1]))
"""


def files_of(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in IGNORED
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_carries_the_packages(wheel, package):
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.removeprefix(f"{package}/")
            for name in archive.namelist()
            if name.startswith(f"{package}/") and not name.startswith("lti_bridge/_shipped/")
        }

    assert inside == files_of(ROOT / package)


@pytest.mark.parametrize("folder", SHIPPED)
def test_wheel_carries_what_lies_beside(wheel, folder):
    prefix = f"lti_bridge/_shipped/{folder}/"
    with zipfile.ZipFile(wheel) as archive:
        inside = {n.removeprefix(prefix) for n in archive.namelist() if n.startswith(prefix)}

    assert {name for name in inside if not name.endswith(".pyc")} == files_of(ROOT / folder)


def test_wheel_carries_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_unpacked_wheel_runs_by_itself(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    config = tmp_path / "bridge.toml"
    config.write_text(f"data_dir = '{tmp_path / 'data'}'\n")
    call = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import lti_bridge; assert 'installed' in lti_bridge.__file__, lti_bridge.__file__\n"
        "from lti_bridge.cli import main; main()"
    )

    ended = subprocess.run(
        [sys.executable, "-P", "-c", call, str(tmp_path / "installed")]
        + ["--config", str(config), "migrate"],
        cwd=tmp_path,
        env=environment_without_settings(),
        capture_output=True,
        text=True,
    )

    assert ended.stderr == ""
    assert ended.stdout.startswith("The database went from empty to ")
