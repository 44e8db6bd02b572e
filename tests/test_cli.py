"""Every command says what it does, does it, and fails with one readable line."""

import io
import json
import logging
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import ANY

import click
import pytest
import requests
from sqlalchemy import select, update

from lti_bridge import cli
from lti_bridge.app import create_app
from lti_bridge.audit.log import OPERATOR
from lti_bridge.audit.models import AuditEntry
from lti_bridge.commands import serving
from lti_bridge.commands.courses import wait_for_import
from lti_bridge.commands.opening import close_bridge
from lti_bridge.core.config import load_settings
from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.passback.learner_state import PERSON_SENDS
from lti_bridge.passback.pipeline.find_line_item import NONE_YET
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, Learner, Registration, StaffVisit
from lti_bridge.registrations.staff_visits import remember_staff
from lti_bridge.scorm_cloud.courses import ImportJob
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.sample_courses import build_sample
from lti_sandbox.server import serve
from tests.rows import REGISTRATION_ID, add_grade, add_link, add_registration, add_try

SCHOOL = {
    "--name": "School",
    "--issuer": "https://lms.example",
    "--client-id": "client-1",
    "--auth-url": "https://lms.example/auth",
    "--token-url": "https://lms.example/token",
    "--jwks-url": "https://lms.example/jwks",
    "--deployment-id": "1",
    "--dialect": "moodle",
}


@dataclass
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that logs in this process does so for its own test alone."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    yield
    logging.captureWarnings(False)


@pytest.fixture
def run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_logging: None,
) -> Run:
    """Run one command on a bridge of its own, whatever the environment says."""
    for variable in [name for name in os.environ if name.startswith("LTI_BRIDGE_")]:
        monkeypatch.delenv(variable)
    config = tmp_path / "bridge.toml"
    config.write_text(f"data_dir = {json.dumps(str(tmp_path / 'data'))}\n")

    def run_command(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            cli.main(["--config", str(config), *arguments])
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run_command


@pytest.fixture
def bridge(run: Run) -> Run:
    """Run commands on a bridge whose database is up to date."""
    assert run("migrate").status == 0
    return run


@pytest.fixture
def cloud(run: Run, tmp_path: Path) -> Iterator[str]:
    """A practice SCORM Cloud that the bridge's settings name."""
    with serve(create_practice_scorm_cloud(import_seconds=0)) as running:
        with (tmp_path / "bridge.toml").open("a") as config:
            config.write(
                "[launch]\nallow_private_networks = true\n[scorm_cloud]\n"
                f'base_url = "{running.url}/api/v2"\napp_id = "practice"\n'
                'secret_key = "practice"\n'
            )
        yield running.url


@pytest.fixture
def link(bridge: Run, tmp_path: Path) -> str:
    """The number of an activity known from a launch, with a finished registration."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    with app.app_context():
        row = add_link(at)
        add_registration(at, row)
        add_link(at, "link-2", title="Data protection")
        number = str(row.id)
        close_bridge(app.extensions["lti_bridge"])
    return number


def add(bridge: Run, **changes: str) -> Ended:
    told = SCHOOL | {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
    return bridge("platform", "add", *(part for pair in told.items() for part in pair))


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command's words, hidden ones included."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(commands(cli.cli)), ids=" ".join)
def test_every_command_has_help(words, run):
    ended = run(*words, "--help")

    assert ended.status == 0
    assert "Usage: lti-bridge" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["serve", "--port", "many"],
        ["platform", "add"],
        ["platform", "show"],
        ["course", "upload", "/nowhere.zip", "--course-id", "x"],
        ["link", "set", "1"],
        ["link", "set", "1", "--course", "x", "--no-course"],
        ["sandbox", "lms", "--dialect", "blackboard"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words, run):
    ended = run(*words)

    assert ended.status == 2
    assert "Error: " in ended.err


def test_version_is_told(run):
    assert run("--version").out == "lti-bridge, version 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ["platform", "list"],
        ["account", "list"],
        ["keys", "list"],
        ["link", "show"],
        ["registration", "show", "x"],
        ["worker"],
    ],
    ids=" ".join,
)
def test_missing_tables_are_one_line(words, run):
    ended = run(*words)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "lti-bridge: the database's schema is too old: run `lti-bridge migrate`\n"


def test_wrong_setting_is_one_line(run, tmp_path):
    (tmp_path / "bridge.toml").write_text("[lunch]\n")

    ended = run("migrate")

    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "there is no setting lunch; did you mean launch?" in ended.err


class NoServer:
    """Stands for gunicorn, which would serve until it is told to end."""

    def __init__(self, *_about: object) -> None:
        pass

    def run(self) -> None:
        """Serve no request."""


@pytest.mark.parametrize(
    "words",
    [["worker"], "web --host 127.0.0.1 --port 1 --workers 1 --threads 2".split()],
    ids=["worker", "web"],
)
def test_retired_setting_is_a_warning_in_the_log(words, run, tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "WebServer", NoServer)
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write("[passback]\nprioritize_non_tool_grade = false\n")

    lines = run(*words).err.splitlines()

    (warning,) = [line for line in lines if " warning " in line]
    assert "bridge.toml: the setting passback.prioritize_non_tool_grade is ignored now" in warning
    assert "passback.teacher_grade takes its place" in warning


def test_retired_setting_stops_no_command(bridge, tmp_path):
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write("[passback]\nprioritize_non_tool_grade = false\n")

    ended = bridge("platform", "list")

    assert (ended.status, ended.err) == (0, "")


def test_missing_settings_file_is_one_line(run, tmp_path):
    (tmp_path / "bridge.toml").unlink()

    ended = run("migrate")

    assert ended.err == (
        f"lti-bridge: cannot read {tmp_path / 'bridge.toml'}: No such file or directory\n"
    )


def test_unreachable_database_is_one_line(run, tmp_path):
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write('database_url = "postgresql://x:hunter2@127.0.0.1:9/x"\nsecret_key = "k"\n')

    ended = run("migrate")

    assert ended.status == 1
    assert ended.err.startswith("lti-bridge: the database did not do as asked: ")
    assert ended.err.count("\n") == 1
    assert "hunter2" not in ended.err


def test_unforeseen_failure_is_one_line(run, monkeypatch):
    monkeypatch.setattr("lti_bridge.commands.serving.create_app", lambda _settings: {}["gone"])

    ended = run("migrate")

    assert ended.status == 1
    assert ended.err == (
        "lti-bridge: something went wrong inside the bridge (KeyError); add --debug to see it\n"
    )


def test_debug_shows_where(run, monkeypatch):
    monkeypatch.setattr("lti_bridge.commands.serving.create_app", lambda _settings: {}["gone"])

    ended = run("--debug", "migrate")

    assert "Traceback" in ended.err


def test_migrate_says_what_it_did(run):
    first, second = run("migrate"), run("migrate")

    assert first.out.startswith("The database went from empty to 0")
    assert second.out.startswith("The database is up to date (0")


def test_older_copy_is_told_of(run):
    ended = run("migrate", "--restored")

    assert "Gradebooks are read before a score is sent again (0 grades)." in ended.out


def test_migrate_makes_the_first_key(bridge):
    listed = bridge("keys", "list").out.splitlines()

    assert len(listed) == 2
    assert " signing " in listed[1]


def test_platform_add_says_what_to_paste(bridge):
    ended = add(bridge)

    assert ended.status == 0
    assert ended.out.startswith("Platform 1 (School) may launch, deployment 1.")
    assert "http://127.0.0.1:8000/lti/login" in ended.out
    assert "http://127.0.0.1:8000/lti/jwks.json" in ended.out


def test_platform_add_refuses_with_a_sentence(bridge):
    ended = add(bridge, token_url="lms.example")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "lti-bridge: --token-url must be an http(s) address, at most 500 characters\n"
    )


def test_platform_follows_privacy_of_settings(run, tmp_path):
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write('[privacy]\ndefault = "pseudonymous"\n')
    run("migrate")

    add(run)

    assert "privacy            pseudonymous" in run("platform", "show", "School").out


def test_platform_is_listed_shown_and_disabled(bridge):
    add(bridge)

    listed = bridge("platform", "list").out
    shown = bridge("platform", "show", "1").out
    disabled = bridge("platform", "disable", "School").out

    assert "School  moodle   https://lms.example  client-1   active" in listed
    assert "issuer             https://lms.example" in shown
    assert disabled == "Platform 1 (School) may no longer launch.\n"
    assert "disabled 2" in bridge("platform", "list").out


def test_identity_that_is_shown_restores(bridge):
    add(bridge)
    identity = next(
        line.split()[1]
        for line in bridge("platform", "show", "1").out.splitlines()
        if line.startswith("identity")
    )

    ended = add(bridge, identity=identity)

    assert ended.status == 0


def test_unknown_platform_is_one_line(bridge):
    ended = bridge("platform", "show", "Hogwarts")

    assert (ended.status, ended.err) == (
        1,
        "lti-bridge: there is no platform Hogwarts: see `lti-bridge platform list`\n",
    )


def test_deployments_are_listed_and_approved(bridge):
    add(bridge)
    add(bridge, deployment_id="2")

    listed = bridge("platform", "deployment", "list", "School").out
    approved = bridge("platform", "deployment", "approve", "School", "2")
    unknown = bridge("platform", "deployment", "approve", "School", "3")

    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [
        ["1", "active"],
        ["2", "active"],
    ]
    assert approved.out == "Deployment 2 may launch.\n"
    assert unknown.status == 1


def test_account_is_added_from_a_file(bridge, tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")
    east = ["--base-url", "https://east.example/api/v2", "--app-id", "east"]

    added = bridge(
        "account", "add", "--name", "east", *east, "--secret-key-file", str(tmp_path / "secret")
    )

    assert added.status == 0
    listed = bridge("account", "list").out
    assert "east  east    https://east.example/api/v2" in listed
    assert "hunter2" not in listed


def test_default_account_is_not_added_by_hand(bridge, tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")
    east = ["--base-url", "https://east.example/api/v2", "--app-id", "east"]

    ended = bridge(
        "account", "add", "--name", "default", *east, "--secret-key-file", str(tmp_path / "secret")
    )

    assert ended.status == 1
    assert "the account default is the one in the settings" in ended.err


def test_course_is_uploaded_once(cloud, run, tmp_path):
    run("migrate")
    package = tmp_path / "quiz.zip"
    package.write_bytes(build_sample("scorm12-quiz"))

    first = run("course", "upload", str(package), "--course-id", "fire")
    second = run("course", "upload", str(package), "--course-id", "fire")
    third = run("course", "upload", str(package), "--course-id", "fire", "--new-version")

    assert first.status == second.status == third.status == 0
    assert "The course fire is ready: " in first.out
    assert second.out == ("The course fire exists already; --new-version uploads a new version.\n")
    assert "The course fire is ready: " in third.out
    assert run("course", "list").out.splitlines()[1].split()[0] == "fire"


def test_broken_package_is_one_line(cloud, run, tmp_path):
    run("migrate")
    package = tmp_path / "broken.zip"
    package.write_bytes(b"this is no zip file")

    ended = run("course", "upload", str(package), "--course-id", "broken")

    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "This file is not a zip that can be read. Export the course" in ended.err


def test_upload_is_checked_in_the_form_s_words(cloud, run, tmp_path):
    run("migrate")
    deep = tmp_path / "deep.zip"
    with zipfile.ZipFile(deep, "w") as archive:
        archive.writestr("Golf/imsmanifest.xml", "")

    ended = run("course", "upload", str(deep), "--course-id", "deep")

    assert ended.status == 1
    assert "zip what is in that folder" in ended.err
    assert run("course", "list").out.startswith("This account has no course yet")


def test_course_id_may_hold_what_scorm_cloud_takes(cloud, run, tmp_path):
    run("migrate")
    package = tmp_path / "good.zip"
    package.write_bytes(build_sample("scorm12-quiz"))

    ended = run("course", "upload", str(package), "--course-id", "golf 1.2")

    assert "The course golf 1.2 is ready: " in ended.out


def test_failed_import_is_one_line(cloud, run, tmp_path):
    run("migrate")
    package = tmp_path / "empty.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("imsmanifest.xml", "<manifest/>")

    ended = run("course", "upload", str(package), "--course-id", "empty")

    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert "no organization. No course was added or changed." in ended.err


def test_silent_import_is_told():
    class Silent:
        def get_import_job(self, job_id):
            return ImportJob("RUNNING", "", (), None)

    with pytest.raises(Unavailable, match="has said nothing for 0 seconds about importing it"):
        wait_for_import(Silent(), "job", silent_seconds=0)


def test_import_that_says_something_is_waited_for(monkeypatch):
    said = iter(["", "unpacking", "reading", "done"])
    moments = iter(range(0, 1000, 100))
    monkeypatch.setattr("lti_bridge.commands.courses.time.monotonic", lambda: next(moments))
    monkeypatch.setattr("lti_bridge.commands.courses.time.sleep", lambda seconds: None)

    class Slow:
        def get_import_job(self, job_id):
            message = next(said)
            return ImportJob("COMPLETE" if message == "done" else "RUNNING", message, (), None)

    assert wait_for_import(Slow(), "job").message == "done"


def test_wrong_credentials_are_one_line(cloud, run, tmp_path):
    config = tmp_path / "bridge.toml"
    config.write_text(config.read_text().replace('secret_key = "practice"', 'secret_key = "x"'))
    run("migrate")

    ended = run("course", "list")

    assert (ended.status, ended.err) == (
        1,
        "lti-bridge: SCORM Cloud does not accept the app id and secret key\n",
    )


def test_no_account_is_one_line(bridge):
    ended = bridge("course", "list")

    assert ended.status == 1
    assert "there is no SCORM Cloud account default" in ended.err


def test_links_are_listed(bridge, link):
    listed = bridge("link", "show").out.splitlines()

    assert [line.split("  ")[-1].strip() for line in listed[1:]] == ["fire", "fire"]
    assert "Data protection" in listed[2]


@pytest.mark.parametrize("name", ["1", "link-1"])
def test_link_is_shown(bridge, link, name):
    shown = bridge("link", "show", name).out

    assert "SCORM course       fire" in shown
    assert "answer             best" in shown
    assert "LMS id             link-1" in shown


def test_course_of_a_link_is_set_and_taken_back(bridge, link):
    bridge("link", "set", link, "--course", "data")
    overridden = bridge("link", "show", link).out
    ended = bridge("link", "set", link, "--no-course")

    assert "SCORM course       data" in overridden
    assert "custom parameter fire" in overridden
    assert ended.status == 0
    assert "SCORM course       fire" in ended.out


def test_setting_a_course_warns_of_copies(bridge, link):
    ended = bridge("link", "set", link, "--course", "data")

    assert "a copy of the LMS course does not take it along" in " ".join(ended.out.split())


def test_policy_is_set_piece_by_piece(bridge, link):
    bridge("link", "set", link, "--answer", "latest")
    bridge("link", "set", link, "--partial", "send")

    shown = bridge("link", "show", link).out

    assert "answer             latest" in shown
    assert "partial            send" in shown
    assert "completion         full_marks" in shown
    assert "teacher's grade    keep" in shown


def test_link_says_what_becomes_of_a_teacher_s_grade(bridge, link):
    bridge("link", "set", link, "--answer", "latest")

    ended = bridge("link", "set", link, "--teacher-grade", "replace")

    assert "The policy changes no grade that was decided so far." in ended.out
    assert "teacher's grade    replace" in ended.out
    assert "answer             latest" in ended.out
    assert "teacher's grade    keep" in bridge("link", "show", "link-2").out


def test_platform_says_what_becomes_of_a_teacher_s_grade(bridge):
    add(bridge)
    before = bridge("platform", "show", "1").out

    add(bridge, teacher_grade="replace")
    add(bridge, name="Other name")

    assert "teacher's grade    keep" in before
    assert "teacher's grade    replace" in bridge("platform", "show", "1").out


def test_settings_say_what_becomes_of_a_teacher_s_grade(bridge, link, tmp_path):
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write('[passback]\nteacher_grade = "replace"\n')

    assert "teacher's grade    replace" in bridge("link", "show", link).out
    assert "teacher's grade    replace" in bridge("platform", "show", "1").out


def test_unknown_choice_for_a_teacher_s_grade_is_wrong_usage(bridge, link):
    ended = bridge("link", "set", link, "--teacher-grade", "ask")

    assert ended.status == 2
    assert "'ask' is not one of 'keep', 'replace'" in ended.err


def test_platform_says_what_becomes_of_missing_columns(bridge):
    add(bridge)
    before = bridge("platform", "show", "1").out

    add(bridge, line_items="create")
    add(bridge, name="Other name")

    assert "line items         wait" in before
    assert "line items         create" in bridge("platform", "show", "1").out


def test_link_says_what_becomes_of_its_missing_column(bridge, link):
    before = bridge("link", "show", link).out

    own = bridge("link", "set", link, "--line-item", "create").out
    back = bridge("link", "set", link, "--line-item", "platform").out

    assert "line item          wait" in before
    assert "line item          create" in own
    assert "line item          wait" in back


def test_score_that_waits_for_a_column_is_woken(bridge, link, tmp_path):
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        row = db.session.scalars(select(Registration)).one()
        add_grade(row.opened_at, row, waits_for_line_item=True)
        assert bridge("link", "set", link, "--line-item", "create").status == 0
        grade = db.session.scalars(select(Grade).execution_options(populate_existing=True)).one()
        close_bridge(app.extensions["lti_bridge"])

    assert (grade.next_send_at is not None, grade.waits_for_line_item) == (True, False)


@pytest.fixture
def waiting(link: str, tmp_path: Path) -> None:
    """Alice's score waits: its activity has no gradebook column."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        row = db.session.scalars(select(Registration)).one()
        grade = add_grade(row.opened_at, row, waits_for_line_item=True, decision_reason=NONE_YET)
        add_try(row.opened_at, row, grade)
        close_bridge(app.extensions["lti_bridge"])


@pytest.mark.usefixtures("waiting")
def test_commands_say_what_a_score_waits_for(bridge):
    listed = bridge("score", "list", "--state", "queued").out
    told = bridge("registration", "show", REGISTRATION_ID).out
    tried = bridge("score", "retry", REGISTRATION_ID).out
    again = bridge("score", "resend", REGISTRATION_ID).out

    assert NONE_YET in listed
    assert f"Grade: waits for a gradebook column, 85.5 of 100. {NONE_YET}" in told
    assert tried == again == f"{REGISTRATION_ID}: {NONE_YET}\n"


@pytest.mark.usefixtures("waiting")
def test_stopped_score_says_who_lets_it_go(bridge):
    stopped = bridge("score", "park", REGISTRATION_ID).out
    listed = bridge("score", "list").out

    assert stopped == f"{REGISTRATION_ID}: It is parked. {PERSON_SENDS}\n"
    assert f"An operator parked it. {PERSON_SENDS}" in listed


def test_setting_one_link_leaves_the_other(bridge, link):
    bridge("link", "set", link, "--answer", "latest")

    assert "answer             best" in bridge("link", "show", "link-2").out


def test_registration_is_told(bridge, link):
    ended = bridge("registration", "show", REGISTRATION_ID)

    assert ended.status == 0
    assert ended.out.startswith(f"Registration {REGISTRATION_ID}\n  learner   Alice Andersen")


def test_unknown_registration_is_one_line(bridge):
    ended = bridge("registration", "show", "x")

    assert (ended.status, ended.err) == (
        1,
        "lti-bridge: there is no registration x: its id is the one that SCORM Cloud shows\n",
    )


def test_unknown_link_is_one_line(bridge):
    ended = bridge("link", "show", "7")

    assert (ended.status, ended.err) == (
        1,
        "lti-bridge: there is no link 7: see `lti-bridge link show`\n",
    )


def test_taken_port_is_one_line(bridge):
    with serve(create_practice_scorm_cloud()) as taken:
        port = str(taken.port)
        served = bridge("serve", "--port", port)
        practised = bridge("sandbox", "scorm-cloud", "--port", port)
        shown = bridge("demo", "--port", port)

    assert served.err == (
        f"lti-bridge: cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    )
    assert practised.err == f"lti-bridge: port {port} is taken: choose another with --port\n"
    assert shown.err == f"lti-bridge: port {port} is taken: choose another with --port\n"
    assert served.status == practised.status == shown.status == 1


def test_player_s_place_is_set_and_given_back(bridge, link):
    chosen = bridge("link", "set", link, "--player", "window").out
    given_back = bridge("link", "set", link, "--player", "platform").out

    assert "player             window" in chosen
    assert "player             frame" in given_back


def test_owner_link_is_printed(bridge):
    ended = bridge("console", "owner")

    assert re.fullmatch(r"http://\S+/console/welcome\?invite=[\w-]{43}\n", ended.out)
    assert "good for a day and for one use" in ended.err


def test_new_password_is_for_a_known_account(bridge):
    ended = bridge("console", "owner", "--password", "olga")

    assert ended.status == 1
    assert ended.err == "lti-bridge: there is no console account olga\n"


@pytest.fixture
def learner(cloud: str, link: str, tmp_path: Path) -> str:
    """The number of a learner in an account that really answers."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        row = db.session.scalars(select(Registration)).one()
        services = app.extensions["lti_bridge"]
        row.account.base_url, row.account.app_id = f"{cloud}/api/v2", "practice"
        row.account.secret_encrypted = services.signer.encrypt("practice")
        add_grade(row.opened_at, row)
        number = str(row.learner_id)
        close_bridge(services)
    return number


def test_learner_is_found_and_shown(bridge: Run, learner: str) -> None:
    by_name, by_id = bridge("learner", "find", "ander"), bridge("learner", "find", REGISTRATION_ID)
    shown = bridge("learner", "show", learner)

    assert "Alice Andersen" in by_name.out
    assert by_id.out == by_name.out
    assert f"Learner {learner}: Alice Andersen (user user-7 of School)" in shown.out
    assert "registrations: 1" in shown.out
    assert bridge("learner", "find", "Zoe").out == "Nobody was found.\n"


def test_learner_is_exported(bridge: Run, learner: str, tmp_path: Path) -> None:
    file = tmp_path / "alice.json"

    to_screen = bridge("learner", "export", learner)
    to_file = bridge("learner", "export", learner, "--output", str(file))

    shown, kept = json.loads(to_screen.out), json.loads(file.read_text())
    assert shown["learner"] == kept["learner"]
    problem = shown["registrations"][0]["scorm_cloud"]["problem"]
    assert problem.startswith("SCORM Cloud does not have it")
    assert to_file.out == f"Written to {file}.\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "typed, status, gone",
    [
        (["n"], 1, False),
        (["y", "user-8"], 2, False),
        (["y", "user-7"], 0, True),
    ],
    ids=["no", "another user id", "yes, and the user id"],
)
def test_erasing_asks_twice(bridge, learner, monkeypatch, typed, status, gone) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*typed, ""])))

    ended = bridge("learner", "erase", learner)

    assert ended.status == status
    assert "Grades in the gradebook of the LMS belong to the LMS" in ended.out
    assert (bridge("learner", "show", learner).status == 1) is gone


@pytest.fixture
def visit(bridge: Run, link: str, tmp_path: Path) -> str:
    """What `learner find` calls a user who was only here as staff."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        services = app.extensions["lti_bridge"]
        identity = db.session.scalars(select(Platform.identity)).one()
        remember_staff(identity, "c1", "ida", services.now())
        number = db.session.scalars(select(StaffVisit.id)).one()
        db.session.commit()
        close_bridge(services)
    return f"staff-{number}"


def test_staff_are_found_handed_out_and_erased(bridge: Run, visit: str) -> None:
    found, shown = bridge("learner", "find", "ida"), bridge("learner", "show", visit)
    exported = json.loads(bridge("learner", "export", visit).out)
    erased = bridge("learner", "erase", visit, "--yes")

    assert visit in found.out
    assert "1 staff visit, forgotten after a day" in shown.out
    assert [one["context_id"] for one in exported["staff_visits"]] == ["c1"]
    assert erased.out.endswith("staff visits erased: 1\n")
    assert bridge("learner", "find", "ida").out == "Nobody was found.\n"
    assert bridge("learner", "show", visit).status == 1


@pytest.mark.parametrize("name", ["staff-", "staff-x", "x", "-1", "9" * 30])
def test_impossible_learner_is_wrong_usage(bridge: Run, name: str) -> None:
    ended = bridge("learner", "show", "--", name)

    assert ended.status == 2
    assert "learner find" in ended.err


def test_refused_deletes_are_explained(bridge: Run, learner: str, cloud: str) -> None:
    requests.put(f"{cloud}/control/faults", json={"deletes_off": True}, timeout=5)

    stopped = bridge("learner", "erase", learner, "--yes")
    listed = bridge("learner", "erasures")
    anyway = bridge("learner", "erase", learner, "--yes", "--ours-anyway")
    requests.put(f"{cloud}/control/faults", json={}, timeout=5)
    retried = bridge("learner", "erasures", "--retry", "1")

    assert stopped.status == 1
    assert "Erasure 1 is stopped. Nothing of ours was erased." in stopped.out
    assert "“Allow delete”" in stopped.out and f"    {REGISTRATION_ID}" in stopped.out
    assert listed.out in stopped.out
    assert (anyway.status, "Erasure 1 is partly." in anyway.out) == (1, True)
    assert (retried.status, "Erasure 1 is done." in retried.out) == (0, True)
    assert bridge("learner", "erasures").out == "Every erasure is finished.\n"


def test_retention_counts_before_it_acts(bridge: Run, learner: str, tmp_path: Path) -> None:
    with (tmp_path / "bridge.toml").open("a") as config:
        config.write("[privacy]\nforget_names_days = 1\nretain_trail_days = 0\n")
    age(tmp_path)

    counted = bridge("retention", "--dry-run")
    before = bridge("learner", "show", learner)
    done = bridge("retention")

    assert re.search(r"^names +1 ", counted.out, re.M)
    assert "trail events" not in counted.out
    assert "Alice" in before.out
    assert counted.out.splitlines()[0].split()[:3] == ["kind", "would", "go"]
    assert re.search(r"^names +1 ", done.out, re.M)
    assert "name not kept" in bridge("learner", "show", learner).out


def age(tmp_path: Path) -> None:
    """Let the learner's last launch be long ago."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        db.session.execute(update(Registration).values(opened_at=long_ago))
        db.session.execute(update(Learner).values(created_at=long_ago))
        db.session.commit()
        close_bridge(app.extensions["lti_bridge"])


def entries(tmp_path: Path) -> list[tuple[str, str, str]]:
    """Return what the audit log says of commands: action, subject, text."""
    app = create_app(load_settings({}, config_file=tmp_path / "bridge.toml"))
    with app.app_context():
        mine = AuditEntry.actor == OPERATOR
        rows = db.session.scalars(select(AuditEntry).where(mine).order_by(AuditEntry.id))
        found = [(row.action, row.subject, row.text) for row in rows]
        close_bridge(app.extensions["lti_bridge"])
    return found


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("words", "entry"),
    [
        ("platform disable School", ("platform", "platform 1", "stopped its launches")),
        (
            "platform invite --name Other",
            ("invite", "platforms", "made an address to connect Other"),
        ),
        (
            "platform deployment approve School 1",
            ("approve", "platform 1", "approved the deployment 1"),
        ),
        (
            "link set 1 --course golf --attempts 0",
            ("link", "link 1", "set course golf, attempts 0"),
        ),
        ("link set 1 --no-course", ("link", "link 1", "set course none")),
        ("link set 1 --answer latest", ("policy", "link 1", "set answer latest")),
        (f"score resend {REGISTRATION_ID}", ("resend", "grade 1", "asked to send the grade again")),
        (
            f"score reread {REGISTRATION_ID}",
            ("reread", "grade 1", "asked to read the result again"),
        ),
        (f"score retry {REGISTRATION_ID}", ("retry", "grade 1", "asked to try it now")),
        (f"score park {REGISTRATION_ID}", ("park", "grade 1", "parked it")),
        ("keys rotate", ("keys", "tool keys", "asked for a new signing key")),
        ("keys rotate --leaked", ("keys", "tool keys", "replaced every signing key at once")),
        ("migrate --restored", ("migrate", "database", "said that the database is an older copy")),
        (
            "retention",
            ("retention", "what is kept", "asked to let go of what is older than the settings say"),
        ),
        ("console owner", ("invite", "console account a new owner", ANY)),
    ],
    ids=[
        "platform disable",
        "platform invite",
        "deployment approve",
        "link course",
        "link without a course",
        "link answer",
        "score resend",
        "score reread",
        "score retry",
        "score park",
        "keys rotate",
        "keys leaked",
        "migrate restored",
        "retention",
        "console owner",
    ],
)
def test_audit_log_tells_what_commands_changed(bridge, tmp_path, words, entry):
    ended = bridge(*words.split())

    assert ended.status == 0, ended.err
    assert entries(tmp_path) == [entry]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    "words",
    [
        "platform disable Nobody",
        "platform deployment approve School 7",
        "link set 1 --answer latest --dry-run",
        "link show 1",
        "score list",
        "score resend --link 1 --state superseded",
        "score reconcile --link 1",
        "keys list",
        "retention --dry-run",
        "migrate",
        "learner find ander",
    ],
)
def test_audit_log_tells_nothing_of_what_changed_nothing(bridge, tmp_path, words):
    bridge(*words.split())

    assert entries(tmp_path) == []


def test_audit_log_tells_of_what_commands_added(cloud, run, tmp_path):
    assert run("migrate").status == 0
    secret = tmp_path / "secret.txt"
    secret.write_text("hush\n")
    package = tmp_path / "golf.zip"
    package.write_bytes(build_sample("scorm12-quiz"))

    assert add(run).status == 0
    account = ("--name", "Second", "--base-url", f"{cloud}/api/v2", "--app-id", "another")
    assert run("account", "add", *account, "--secret-key-file", str(secret)).status == 0
    for more in ((), ("--new-version",)):
        assert run("course", "upload", str(package), "--course-id", "golf", *more).status == 0
    assert add(run, issuer="no address").status == 1

    found = entries(tmp_path)
    assert found == [
        ("platform", "platform 1", "added or changed it, deployment 1"),
        ("account", "account Second", "added the account, or gave it a new address or secret"),
        ("upload", "course golf", "uploaded a package to the account default as golf"),
        (
            "upload",
            "course golf",
            "uploaded a package to the account default as a new version of golf",
        ),
    ]
    assert "hush" not in repr(found)


def test_audit_log_tells_of_exports_without_a_name(
    bridge: Run, learner: str, visit: str, tmp_path: Path
) -> None:
    bridge("learner", "export", learner)
    bridge("learner", "export", visit)

    said = "took everything that is kept of the person"
    assert entries(tmp_path) == [
        ("export", f"learner {learner}", said),
        ("export", "staff visits", said),
    ]
