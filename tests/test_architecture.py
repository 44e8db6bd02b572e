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
TESTS_ROOT = Path(__file__).parent

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
    "core.sentences",
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

# Modules whose test is not named after them: the test that runs most of each.
TESTED_IN = {
    "browser/test_demo.py": "commands.demo commands.run_demo",
    "console/accounts/test_accounts_and_keys.py": """
        console.accounts.pages console.accounts.views console.keys.views
    """,
    "console/alerts/test_alerts.py": """
        console.alerts.forms console.alerts.pages console.alerts.views
    """,
    "console/audit/test_views.py": "audit.log web.csv_files",
    "console/courses/test_courses.py": "console.courses.pages console.courses.views",
    "console/guide/test_steps.py": "console.guide.views ops.kept_checks",
    "console/learners/test_views.py": "console.learners.page",
    "console/overview/test_daily_counts.py": "web.histogram",
    "console/overview/test_on_the_way.py": "console.overview.views",
    "console/people/test_lms_admins.py": "console.overview.activities",
    "console/platforms/test_pages.py": """
        audit.actor console.forms console.platforms.forms console.platforms.views
    """,
    "console/problems/test_views.py": """
        console.problems.actions problems.launch_problems problems.stuck_grades
    """,
    "console/sign_in/test_views.py": """
        console.people.accounts console.people.views console.sign_in.passwords
        console.sign_in.sessions console.sign_in.throttle
    """,
    "console/test_access.py": "console.checks.run console.checks.views console.layout",
    "core/http/test_session.py": "core.errors core.http.address_guard",
    "core/test_config.py": "core.config_values core.paths",
    "deep_linking/test_package_views.py": "courses.import_package deep_linking.upload_tokens",
    "instructor/test_activity.py": """
        instructor.choose_course instructor.export_csv instructor.views
    """,
    "instructor/test_activity_views.py": """
        instructor.actions instructor.grading_form instructor.roster
    """,
    "launches/test_before_player.py": "passback.load_exit_page registrations.kept_outcomes",
    "launches/test_enrolment.py": "launches.receive_launch registrations.staff_visits",
    "launches/test_login_views.py": "launches.login launches.retry_token",
    "launches/test_views.py": """
        launches.outcomes launches.preview launches.verify_launch lti.id_token services
        web.visit
    """,
    "lms/test_readings.py": "lms.base lms.canvas",
    "lms/test_score_replies.py": "lms.generic lms.moodle",
    "lti/test_gradebook.py": "lti.values",
    "ops/test_health.py": "ops.views",
    "ops/test_logs.py": "core.correlation",
    "ops/test_metrics.py": "core.events ops.gauges",
    "ops/test_selftest.py": "commands.doctor ops.reachability registrations.granted_scopes",
    "passback/actions/test_by_hand.py": "passback.actions.outlook",
    "passback/actions/test_comparison.py": "passback.triggers.reconcile",
    "passback/actions/test_policy_change.py": "passback.pipeline.snapshot",
    "passback/pipeline/test_find_line_item.py": "passback.pipeline.creation_lease",
    "passback/pipeline/test_reading.py": """
        passback.pipeline.read_gradebook passback.pipeline.record
        passback.pipeline.send_score passback.rules.grade_snapshot passback.rules.plan
        passback.rules.reasons passback.triggers.read_column
    """,
    "passback/test_learner_state.py": "passback.learner_progress",
    "platforms/test_connect.py": """
        lms.tool_definition lti.dynamic_registration platforms.connect_cookie
        platforms.connect_errors platforms.invites platforms.views
    """,
    "platforms/test_registry.py": "platforms.connection_values platforms.deployments",
    "privacy/erasure/test_run.py": """
        privacy.erasure.delete_rows privacy.erasure.finish privacy.erasure.lease
        privacy.erasure.report privacy.erasure.request privacy.erasure.scorm_cloud
    """,
    "privacy/test_retention.py": "privacy.retention_rules",
    "problems/alerts/test_decide.py": "problems.problem",
    "problems/alerts/test_deliver.py": """
        problems.alerts.evaluate problems.alerts.outbox problems.alerts.runner
    """,
    "problems/test_refused_launches.py": """
        problems.find_problems problems.find_refusals problems.note_writer
    """,
    "queue/test_queue.py": "queue.engine queue.worker",
    "registrations/test_create_registration.py": """
        registrations.create_lease registrations.find_existing
    """,
    "registrations/test_launch_rows.py": """
        registrations.launch_snapshot registrations.resource_links
    """,
    "scorm_cloud/test_client.py": "scorm_cloud.request_bodies",
    "story/test_attempts.py": "registrations.open_registration",
    "story/test_gradebook_truth.py": "registrations.platform_pause",
    "story/test_interleavings.py": """
        passback.pipeline.read_progress passback.triggers.exit_and_postback
    """,
    "story/test_problems.py": "problems.bridge_problems problems.lost_grades",
    "story/test_races.py": "passback.views",
    "story/test_right_number.py": "registrations.learner_names",
    "story/test_sweep.py": "passback.tasks passback.triggers.sweep",
    "test_cli.py": """
        app commands.accounts commands.console commands.courses commands.keys
        commands.learners commands.links commands.opening commands.platforms
        commands.registrations commands.sandbox commands.scores commands.serving
        passback.actions.after_restore
    """,
    "test_migrations.py": "core.migrate",
    "test_processes.py": "__main__ core.processes privacy.tasks problems.tasks",
    "web/test_frames.py": "platforms.frame_origins web.pages",
    "web/test_learner_languages.py": "web.refusals",
}

# Each outside library has its place, and only there can it be replaced.
HOMES = {
    "pylti1p3": ("lti",),
    "requests": ("core.http", "lti", "scorm_cloud"),
    "urllib3": ("core.http",),
    "huey": ("queue",),
    "gunicorn": ("server",),
    "click": ("cli", "commands"),
    "alembic": ("core.migrate",),
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
EVERY_MODULE = pytest.mark.parametrize(
    "module", sorted(MODULES), ids=lambda name: name or "lti_bridge"
)


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


def own_test(module: str) -> Path:
    """Return where a module's test is looked for first: in the same folder, by the same name."""
    path = MODULES[module].relative_to(ROOT)
    return TESTS_ROOT / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("module", sorted(INSIDE))
def test_module_has_a_test(module):
    if MODULES[module].name == "__init__.py" or module.endswith((".models", ".wiring")):
        return  # rows: test_migrations.py compares them all; wiring: every test of a page
    homes = [test for test, names in TESTED_IN.items() if module in names.split()]

    assert own_test(module).exists() or homes, f"say in TESTED_IN which test holds {module}"
    assert not (own_test(module).exists() and homes), f"{module} has a test by its name"
    assert len(homes) < 2, f"{module} stands in TESTED_IN twice"


def test_table_of_tests_names_what_is_there():
    named = {module for names in TESTED_IN.values() for module in names.split()}

    assert named - INSIDE.keys() == set(), "TESTED_IN names modules that are gone"
    assert [test for test in TESTED_IN if not (TESTS_ROOT / test).exists()] == []


@EVERY_MODULE
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


@EVERY_MODULE
def test_functions_are_short(module):
    assert long_functions(module) == []


@EVERY_MODULE
def test_no_check_is_switched_off(module):
    """A suppressed warning is a question without an answer."""
    text = MODULES[module].read_text("utf-8")

    assert not re.search(r"#\s*(noqa|type:\s*ignore|pragma)", text)
