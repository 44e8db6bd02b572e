"""What people read names everything that there is."""

import dataclasses
import re
from pathlib import Path

import click
import pytest

from lti_bridge.cli import cli
from lti_bridge.core.config import Settings
from lti_bridge.ops import gauges
from lti_bridge.ops.metrics import RULES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
METRICS_PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
COUNTED = dict.fromkeys(rule.metric for rules in RULES.values() for rule in rules)
METRICS = (*COUNTED, *(one for one in vars(gauges).values() if isinstance(one, gauges.Gauge)))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def visible(group: click.Group, path: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += visible(command, f"{path}{name} ")
        elif not command.hidden:
            found.append(path + name)
    return found


@pytest.mark.parametrize("command", visible(cli))
def test_readme_names_every_command(command):
    *group, name = command.split()
    rows = [line for line in README.splitlines() if line.startswith("| `")]

    named = [row for row in rows if f"`{name}`" in row or f" {name}`" in row]

    assert [row for row in named if " ".join(group) in row], f"README lacks `{command}`"


def test_every_command_says_what_it_does():
    silent = [
        name
        for name in visible(cli)
        if not (command_of(name).help or "").split("\n")[0].endswith(".")
    ]

    assert silent == []


@pytest.mark.parametrize("name", visible(cli))
def test_every_option_is_explained(name):
    options = [p for p in command_of(name).params if isinstance(p, click.Option) and not p.hidden]

    assert [option.name for option in options if not option.help] == []


def command_of(name: str) -> click.Command:
    command: click.Command = cli
    for word in name.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


@pytest.mark.parametrize("target", re.findall(r"`make (\w+)`", README))
def test_readme_names_targets_that_exist(target):
    assert re.search(rf"^{target}:.*## ", MAKEFILE, re.M)


def test_readme_names_settings_that_exist():
    named = set(re.findall(r"LTI_BRIDGE_([A-Z_]+)", README)) - {"CONFIG"}
    top = {f.name.upper() for f in dataclasses.fields(Settings)}
    inner = {
        f"{section.name}__{f.name}".upper()
        for section in dataclasses.fields(Settings)
        if dataclasses.is_dataclass(section.type)
        for f in dataclasses.fields(section.type)
    }

    unknown = {name for name in named if name.removesuffix("_FILE") not in top | inner}

    assert unknown == set()


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")

    local = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert [link for link in local if not (ROOT / link).exists()] == []


def test_map_names_every_chapter():
    chapters = {
        path.name
        for path in (ROOT / "lti_bridge").iterdir()
        if path.is_dir() and (path / "__init__.py").exists()
    }

    assert {name for name in chapters if f"{name}/" not in README} == set()


def rows_of_metrics() -> dict[str, str]:
    """Return each row of the page's tables: the metric, and its labels as they are written."""
    row = r"^\| `(lti_bridge_\w+)` \|([^|]*)\|[^|]+\|[^|]+\|$"
    return dict(re.findall(row, METRICS_PAGE, re.M))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_page_explains_every_metric(metric):
    assert metric.name in rows_of_metrics(), "docs/metrics.md needs a row for it"

    labels = tuple(re.findall(r"`(\w+)`", rows_of_metrics()[metric.name]))

    assert labels == metric.labels


def test_page_names_metrics_that_exist():
    assert set(rows_of_metrics()) == {metric.name for metric in METRICS}
