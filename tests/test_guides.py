"""The pages in docs/ name everything that there is, and their examples can be used."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from lti_bridge.cli import cli
from lti_bridge.core.config import load_settings
from lti_bridge.platforms.connect_errors import PROBLEMS
from lti_bridge.web.rejections import REJECTIONS
from lti_sandbox.faults import Faults
from tests.door import open_door

ROOT = Path(__file__).parent.parent
ADMIN = ROOT / "docs" / "admin"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{path}{name} ")
        elif not command.hidden:
            found[path + name] = command
    return found


def settings() -> dict[str, object]:
    """Return every setting of the shipped file with its default, sections before a dot."""
    values = tomllib.loads((ROOT / "configs" / "default.toml").read_text("utf-8"))
    found: dict[str, object] = {}
    for name, value in values.items():
        inner = value.items() if isinstance(value, dict) else ()
        found |= {f"{name}.{key}": one for key, one in inner} or {name: value}
    return found


def first_cells(page: Path) -> set[str]:
    """Return what stands in backquotes in the first column of the page's tables."""
    rows = re.findall(r"^\| ([^|]+) \|", page.read_text("utf-8"), re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_page_names_every_setting_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| `([^`]*)` \|", (ADMIN / "settings.md").read_text("utf-8"), re.M
    )

    assert {name: tomllib.loads(f"it = {text}")["it"] for name, text in rows} == settings()


def test_page_names_every_command_and_option() -> None:
    parts = re.split(r"^## `(.+)`$", (ADMIN / "commands.md").read_text("utf-8"), flags=re.M)[1:]
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    real = commands(cli)

    assert set(told) == set(real)
    for name, command in real.items():
        rows = [line for line in told[name].splitlines() if line.startswith("| `")]
        named = {one for row in rows for one in re.findall(r"`(-[^`]+)`", row.split(" | ")[0])}
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        assert named == {one for o in options for one in (*o.opts, *o.secondary_opts)}, name


def test_page_names_every_error_code() -> None:
    page = ADMIN / "troubleshooting.md"

    assert first_cells(page) == set(REJECTIONS) | set(PROBLEMS)


@pytest.mark.parametrize("code", REJECTIONS)
def test_page_says_what_error_page_says(code: str) -> None:
    told = REJECTIONS[code]
    row = (
        f"| `{code}` | {told.status} | {told.title} | {told.happened} | {told.who}: {told.advice} |"
    )

    assert row in (ADMIN / "troubleshooting.md").read_text("utf-8")


def test_page_names_every_fault() -> None:
    named = first_cells(ROOT / "docs" / "developer" / "README.md")

    assert named == {field.name for field in dataclasses.fields(Faults)}


def test_page_names_every_part_of_the_console(tmp_path: Path) -> None:
    with open_door(f"sqlite:///{tmp_path / 'bridge.sqlite3'}", tmp_path) as door:
        rules = {one.rule for one in door.app.url_map.iter_rules() if one.rule[:8] == "/console"}
    parts = {re.sub(r"/(<.*|new)?$", "", rule).removesuffix("/") for rule in rules}
    pages = {"/".join(part.split("/")[:3]) for part in parts} - {"/console/sign-out"}
    told = (ADMIN / "console.md").read_text("utf-8")

    assert {page for page in pages if not re.search(rf"`{page}[/`]", told)} == set()


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_their_anchors_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))

    for link in links:
        path, _, anchor = link.partition("#")
        if "://" not in link:
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}

    assert pages - set(re.findall(r"\]\(([^)#]+)", index)) == {"README.md"}


def blocks(kind: str) -> list[Any]:
    """Return the blocks of one language, each named by its page and line."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in re.finditer(rf"^```{kind}\n(.*?)^```", text, re.M | re.S):
            line = text.count("\n", 0, block.start()) + 1
            found.append(pytest.param(block[1], id=f"{page.stem} line {line}"))
    return found


@pytest.mark.parametrize("block", blocks("toml"))
def test_settings_in_examples_are_taken(block: str, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(block)
    secrets = {"LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY": "x", "LTI_BRIDGE_SECRET_KEY": "k" * 43}

    taken = load_settings(
        {
            "LTI_BRIDGE_CONFIG": str(path),
            "LTI_BRIDGE_SCORM_CLOUD__APP_ID": "app",
            "LTI_BRIDGE_DATA_DIR": str(tmp_path),
            **secrets,
        }
    )

    assert taken.public_url == tomllib.loads(block)["public_url"]


@pytest.mark.parametrize("block", blocks("systemd"))
def test_units_run_commands_that_exist(block: str) -> None:
    start = re.search(r"^ExecStart=/\S+/lti-bridge (\w+)(.*)$", block, re.M)

    assert start is not None
    command = commands(cli)[start[1]]
    known = {one for p in command.params for one in p.opts}
    assert set(re.findall(r"--[\w-]+", start[2])) <= known
    assert re.findall(r"^\[(\w+)\]$", block, re.M) == ["Unit", "Service", "Install"]


@pytest.mark.parametrize("block", blocks("nginx"))
def test_proxy_passes_what_bridge_reads(block: str) -> None:
    directives = [line.split("#")[0].strip() for line in block.splitlines()]
    headers = set(re.findall(r"proxy_set_header (\S+)", block))

    assert block.count("{") == block.count("}")
    assert {line for line in directives if line and line[-1] not in ";{}"} == set()
    assert headers == {"Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"}
    size = re.search(r"client_max_body_size (\d+)m;", block)
    assert size is not None and int(size[1]) > settings()["scorm_cloud.upload_megabytes"]
