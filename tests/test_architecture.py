"""The map of the house: who may import whom. A change here is a change of the design."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lti_bridge
from lti_bridge.lms.generic import GENERIC
from lti_bridge.lms.registry import ALL

ROOT = Path(lti_bridge.__file__).parent
SANDBOX_ROOT = ROOT.parent / "lti_sandbox"

# From the top of the house down. Imports point down; chapters of one layer never meet.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__", "cli", "commands", "server"),
    ("app",),
    ("instructor",),
    ("console",),
    ("problems",),
    ("privacy", "ops"),
    ("launches", "passback"),
    ("deep_linking",),
    ("registrations", "courses"),
    ("people",),
    ("platforms", "audit"),
    ("lms",),
    ("web",),
    ("services",),
    ("lti", "scorm_cloud", "queue"),
    ("core",),
)
# These layers are one room each: what is in them may use each other.
OPEN_LAYERS = (0, len(LAYERS) - 1)

# Decisions: facts in, a decision out; no Flask, session, HTTP or clock.
PURE = {
    "core.errors",
    "core.plain_text",
    "web.sentences",
    "web.languages",
    "web.rejections",
    "platforms.connection_values",
    "platforms.missing_grants",
    "platforms.identity",
    "platforms.connect_errors",
    "lms.tool_definition",
    "lti.roles",
    "lti.browser_binding",
    "lti.claims",
    "lti.values",
    "lms.base",
    "lms.canvas",
    "lms.generic",
    "lms.moodle",
    "lms.readings",
    "lms.registry",
    "lms.score_replies",
    "registrations.grading",
    "registrations.identity",
    "passback.rules.exit_page",
    "passback.rules.grade_snapshot",
    "passback.rules.grading_policy",
    "passback.rules.plan",
    "passback.rules.reasons",
    "passback.rules.settlement",
    "passback.rules.retry_policy",
    "passback.rules.score_states",
    "passback.rules.drift",
    "scorm_cloud.progress",
    "problems.problem",
    "problems.alerts.decide",
    "problems.alerts.messages",
}

# Each outside library has its place, and only there can it be replaced.
HOMES = {
    "pylti1p3": ("lti",),
    "requests": ("core.http", "lti", "scorm_cloud"),
    "urllib3": ("core.http",),
    "huey": ("queue",),
    "gunicorn": ("server",),
    "click": ("cli", "commands"),
    "alembic": ("core.schema",),
    "prometheus_client": ("ops",),
    "smtplib": ("problems.alerts.mail",),
}


def name_of(path: Path) -> str:
    """Return a module's name within the package: `passback.views`, `lti` for its __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(module: str, place: str) -> bool:
    return module == place or module.startswith(place + ".")


MODULES = {name_of(path): path for path in ROOT.rglob("*.py") if "_shipped" not in path.parts}
INSIDE = {name: path for name, path in MODULES.items() if name}
WITH_VIEWS = [name for name in INSIDE if name.endswith("views")]
SANDBOX = sorted(SANDBOX_ROOT.rglob("*.py"))


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from nodes(node)


@cache
def imports(module: str) -> tuple[str, ...]:
    """Return what a module imports, each as an absolute name down to the imported thing."""
    return tuple(_imports(module))


def _imports(module: str) -> Iterator[str]:
    path = MODULES[module]
    package = ["lti_bridge", *path.relative_to(ROOT).parent.parts]
    for node in nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def of_the_bridge(module: str) -> Iterator[str]:
    """Yield the modules of ours that a module imports."""
    for name in imports(module):
        inner = name.removeprefix("lti_bridge.")
        if inner == name:
            continue
        while inner and inner not in MODULES:
            inner = inner.rpartition(".")[0]
        if inner:
            yield inner


def layer_of(module: str) -> int | None:
    chapter = module.split(".")[0]
    for number, chapters in enumerate(LAYERS):
        if chapter in chapters:
            return number
    return None


def test_every_module_has_a_place():
    homeless = [name for name in INSIDE if layer_of(name) is None]

    assert homeless == [], f"say in LAYERS where these belong: {homeless}"


def wrong_directions(module: str) -> Iterator[str]:
    here = layer_of(module)
    assert here is not None
    for other in of_the_bridge(module):
        there = layer_of(other)
        assert there is not None
        if there < here:
            yield f"{module} imports {other}, which stands above it: imports point down"
        same_chapter = other.split(".")[0] == module.split(".")[0]
        if there == here and not same_chapter and here not in OPEN_LAYERS:
            yield f"{module} imports {other}: chapters of one layer never meet"


@pytest.mark.parametrize("module", sorted(INSIDE))
def test_imports_point_down(module):
    assert list(wrong_directions(module)) == []


@pytest.mark.parametrize("module", sorted(PURE))
def test_decisions_are_pure(module):
    impure = [
        name
        for name in imports(module)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(within(name, f"lti_bridge.{pure}") for pure in PURE)
    ]

    assert impure == [], f"{module} is a decision: facts in, decision out, but it imports {impure}"


@pytest.mark.parametrize("library", sorted(HOMES))
def test_library_stays_at_home(library):
    strays = [
        module
        for module in MODULES
        if any(within(name, library) for name in imports(module))
        and not any(within(module, home) for home in HOMES[library])
    ]

    assert strays == [], f"{library} is imported in {HOMES[library]} only, but also in {strays}"


def packages_of(path: Path) -> set[str]:
    """Return the top-level packages that a file imports by whole names, "" for a relative one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("" if node.level else str(node.module).split(".")[0])
    return found


def test_sandbox_knows_nothing_of_the_bridge():
    strays = [str(path) for path in SANDBOX if packages_of(path) & {"", "lti_bridge"}]

    assert strays == [], f"the sandbox talks HTTP like the real ones: whole names only in {strays}"


def test_only_the_command_line_starts_the_sandbox():
    users = [name for name, path in INSIDE.items() if "lti_sandbox" in packages_of(path)]

    assert {layer_of(name) for name in users} == {0}, f"the sandbox is used in {users}"


def reads_environment(module: str) -> bool:
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    by_attribute = any(
        isinstance(node, ast.Attribute)
        and node.attr in ("environ", "environb", "getenv")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree)
    )
    return by_attribute or any(
        name in ("os.environ", "os.environb", "os.getenv") for name in imports(module)
    )


def test_environment_is_read_in_config_alone():
    assert [module for module in MODULES if reads_environment(module)] == ["core.config"]


def asks_this_machine_for_the_time(module: str) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("now", "utcnow", "today")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
    )


def test_time_is_the_database_s():
    strays = [module for module in INSIDE if asks_this_machine_for_the_time(module)]

    assert strays == ["core.clock"], "the bridge's time is services.now(), the database's"


def reached_from(module: str) -> set[str]:
    """Return what is imported when a module is."""
    found, waiting = set[str](), [module]
    while waiting:
        following = waiting.pop()
        if following not in found:
            found.add(following)
            waiting += of_the_bridge(following)
    return found


def test_app_imports_every_row():
    models = {name for name in INSIDE if name.endswith("models")}

    missing = models - reached_from("app")

    assert missing == set(), f"the schema lacks the tables of {missing}"


def test_app_lists_every_chapter():
    """Each chapter with something to add to the app has one `register(app)`."""
    wired = {name for name in INSIDE if name.endswith(".wiring")}

    assert wired <= set(of_the_bridge("app"))
    assert wired >= {name.rpartition(".")[0].split(".")[0] + ".wiring" for name in WITH_VIEWS}


def names_an_lms(module: str) -> list[str]:
    """Return the texts of a module that are the key of an LMS the bridge has a value for."""
    keys = {lms.key for lms in ALL} - {GENERIC.key}
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in keys]


def test_only_lms_knows_which_lms_does_what():
    strays = {name: found for name in INSIDE if (found := names_an_lms(name))}
    outside = {name: found for name, found in strays.items() if not within(name, "lms")}

    assert strays.keys() >= {"lms.canvas", "lms.moodle"}
    assert outside == {}, f"ask the value of lms/ instead: {outside}"


def test_only_an_lms_s_own_templates_know_it():
    asks = re.compile(r"[\"'](canvas|moodle)[\"']")
    folder = ROOT.parent / "templates"
    strays = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if path.relative_to(folder).parts[0] != "lms" and asks.search(path.read_text("utf-8"))
    ]

    assert strays == [], f"put what an LMS's admin reads into templates/lms/<key>: {strays}"


def public_classes() -> dict[str, list[str]]:
    """Return the public class names of the bridge, each with the modules that define it."""
    found: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name)
    return found


def test_public_class_name_has_one_body():
    """Who searches for a class by its name finds the one that is meant."""
    twice = {name: homes for name, homes in public_classes().items() if len(homes) > 1}

    assert twice == {}, f"give each class a name of its own: {twice}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_opens_with_a_sentence(module):
    docstring = ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8")))

    assert docstring, f"{module} does not say what it is"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", ":")), f"{module}: one sentence first"


LONGEST_FUNCTION = 40


def long_functions(module: str) -> list[str]:
    """Return the functions of a module that have more lines than one reads at a glance."""
    return [
        node.name
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_functions_are_short(module):
    assert long_functions(module) == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_check_is_switched_off(module):
    """A suppressed warning is a question that nobody answered."""
    text = MODULES[module].read_text("utf-8")

    assert not re.search(r"#\s*(noqa|type:\s*ignore|pragma)", text)
