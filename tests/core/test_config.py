"""Settings come from three layers, and every wrong value gets a sentence."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from lti_bridge.core import config
from lti_bridge.core.config import Settings, find_retired, load_settings
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.core.paths import shipped
from lti_bridge.registrations.grading import TeacherGrade

DEFAULT_TOML = shipped("configs") / "default.toml"
SECTIONS = ("scorm_cloud", "passback", "launch", "privacy", "console", "ops")


def load(tmp_path: Path, **variables: str) -> Settings:
    return load_settings({"LTI_BRIDGE_DATA_DIR": str(tmp_path), **variables})


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bridge.toml"
    path.write_text(text)
    return str(path)


def declared() -> dict[str, dict[str, object]]:
    """Return every setting of the code with its built-in default, by section."""
    plain = Settings()
    top = {
        f.name: getattr(plain, f.name) for f in dataclasses.fields(plain) if f.name not in SECTIONS
    }
    return {"": top} | {name: dataclasses.asdict(getattr(plain, name)) for name in SECTIONS}


def in_file() -> dict[str, dict[str, object]]:
    values = tomllib.loads(DEFAULT_TOML.read_text())
    top = {key: value for key, value in values.items() if not isinstance(value, dict)}
    return {"": top} | {key: value for key, value in values.items() if isinstance(value, dict)}


def test_default_file_holds_every_setting():
    assert {section: set(values) for section, values in in_file().items()} == {
        section: set(values) for section, values in declared().items()
    }


def test_default_file_repeats_built_in_defaults():
    written = in_file()
    written[""]["data_dir"] = Path(str(written[""]["data_dir"]))
    written[""]["secret_keys_previous"] = tuple(written[""]["secret_keys_previous"])

    assert written == declared()


def test_default_file_explains_every_setting():
    lines = DEFAULT_TOML.read_text().splitlines()

    unexplained = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if " = " in line and not line.startswith("#") and not before.startswith("#")
    ]

    assert unexplained == []


@pytest.mark.parametrize("name", ["development.toml", "production.example.toml"])
def test_shipped_files_hold_known_settings(name, tmp_path):
    settings = load(
        tmp_path,
        LTI_BRIDGE_CONFIG=str(shipped("configs") / name),
        LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY="secret",
    )

    assert settings.scorm_cloud.app_id in ("practice", "CHANGE-ME")


def test_file_wins_over_default(tmp_path):
    named = write(tmp_path, "[passback]\nworker_threads = 3\n")

    settings = load(tmp_path, LTI_BRIDGE_CONFIG=named)

    assert settings.passback.worker_threads == 3


def test_environment_wins_over_file(tmp_path):
    named = write(tmp_path, "[passback]\nworker_threads = 3\n")

    settings = load(tmp_path, LTI_BRIDGE_CONFIG=named, LTI_BRIDGE_PASSBACK__WORKER_THREADS="5")

    assert settings.passback.worker_threads == 5


@pytest.mark.parametrize(
    "text, value",
    [("on", True), ("FALSE", False), (" yes ", True)],
    ids=["on", "false in capitals", "spaces around"],
)
def test_reads_switches_from_environment(tmp_path, text, value):
    settings = load(tmp_path, LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS=text)

    assert settings.launch.allow_private_networks is value


def test_teacher_s_grade_begins_the_policy(tmp_path):
    settings = load(tmp_path, LTI_BRIDGE_PASSBACK__TEACHER_GRADE="replace")

    assert load(tmp_path).passback.policy == {"teacher_grade": "keep"}
    assert settings.passback.policy == {"teacher_grade": "replace"}


@pytest.mark.parametrize("value", list(TeacherGrade))
def test_every_choice_for_a_teacher_s_grade_can_be_set(tmp_path, value):
    settings = load(tmp_path, LTI_BRIDGE_PASSBACK__TEACHER_GRADE=value)

    assert settings.passback.teacher_grade == value


def test_reads_list_with_commas(tmp_path):
    settings = load(tmp_path, LTI_BRIDGE_SECRET_KEYS_PREVIOUS="one, two,")

    assert settings.secret_keys_previous == ("one", "two")


def test_reads_secret_from_file(tmp_path):
    (tmp_path / "kept").write_text("from a file\n")

    settings = load(tmp_path, LTI_BRIDGE_SECRET_KEY_FILE=str(tmp_path / "kept"))

    assert settings.secret_key == "from a file"


def test_reads_list_of_secrets_from_file(tmp_path):
    (tmp_path / "kept").write_text("one,two\n")

    settings = load(tmp_path, LTI_BRIDGE_SECRET_KEYS_PREVIOUS_FILE=str(tmp_path / "kept"))

    assert settings.secret_keys_previous == ("one", "two")


@pytest.mark.parametrize(
    "variable, value, sentence",
    [
        (
            "LTI_BRIDGE_PUBLIC_ULR",
            "x",
            "LTI_BRIDGE_PUBLIC_ULR: there is no setting public_ulr; did you mean public_url?",
        ),
        (
            "LTI_BRIDGE_PASBACK__WORKER_THREADS",
            "1",
            "LTI_BRIDGE_PASBACK__WORKER_THREADS: there is no section [pasback]",
        ),
        (
            "LTI_BRIDGE_PASSBACK__WORKER_THREADS",
            "many",
            "LTI_BRIDGE_PASSBACK__WORKER_THREADS: passback.worker_threads must be a whole number",
        ),
        (
            "LTI_BRIDGE_PASSBACK__WORKER_THREADS",
            "0",
            "LTI_BRIDGE_PASSBACK__WORKER_THREADS: passback.worker_threads must be at least 1",
        ),
        (
            "LTI_BRIDGE_PASSBACK__BACKOFF_SECONDS",
            "nan",
            "LTI_BRIDGE_PASSBACK__BACKOFF_SECONDS: passback.backoff_seconds must be a number",
        ),
        (
            "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS",
            "perhaps",
            "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS: launch.allow_private_networks must be "
            "true or false",
        ),
        (
            "LTI_BRIDGE_PRIVACY__DEFAULT",
            "nobody",
            "LTI_BRIDGE_PRIVACY__DEFAULT: privacy.default must be one of named, pseudonymous",
        ),
        (
            "LTI_BRIDGE_PASSBACK__TEACHER_GRADE",
            "ask",
            "LTI_BRIDGE_PASSBACK__TEACHER_GRADE: passback.teacher_grade must be one of keep, "
            "replace",
        ),
        (
            "LTI_BRIDGE_PUBLIC_URL",
            "bridge.example",
            "public_url must be an http(s) address without a query",
        ),
        (
            "LTI_BRIDGE_PUBLIC_URL",
            "http://[bridge",
            "public_url must be an http(s) address without a query",
        ),
        (
            "LTI_BRIDGE_PUBLIC_URL",
            "http://bridge.example:port",
            "public_url must be an http(s) address without a query",
        ),
        (
            "LTI_BRIDGE_SCORM_CLOUD__APP_ID",
            "only half",
            "scorm_cloud.app_id and scorm_cloud.secret_key belong together: set both or neither",
        ),
        (
            "LTI_BRIDGE_SCORM_CLOUD__LAUNCH_LINK_EXPIRY_SECONDS",
            "301",
            "scorm_cloud.launch_link_expiry_seconds must be 10 to 300",
        ),
        ("LTI_BRIDGE_DATABASE_URL", "a database", "database_url is not a database address"),
        (
            "LTI_BRIDGE_DATABASE_URL",
            "mysql://host/name",
            "database_url must be sqlite:///file or postgresql://…",
        ),
        (
            "LTI_BRIDGE_DATABASE_URL",
            "postgresql://host/name",
            "secret_key is not set: with PostgreSQL every node needs the same one; set "
            "LTI_BRIDGE_SECRET_KEY or LTI_BRIDGE_SECRET_KEY_FILE",
        ),
        (
            "LTI_BRIDGE_SECRET_KEY_FILE",
            "/nowhere/key",
            "LTI_BRIDGE_SECRET_KEY_FILE: cannot read /nowhere/key: No such file or directory",
        ),
        (
            "LTI_BRIDGE_CONFIG",
            "/nowhere/bridge.toml",
            "cannot read /nowhere/bridge.toml: No such file or directory",
        ),
    ],
    ids=[
        "unknown setting",
        "unknown section",
        "no number",
        "number too small",
        "not a number",
        "no switch",
        "unknown privacy",
        "unknown answer",
        "address without a scheme",
        "broken IPv6",
        "broken port",
        "id without its secret",
        "expiry out of range",
        "no database address",
        "unknown database",
        "PostgreSQL without a secret key",
        "missing secret file",
        "missing settings file",
    ],
)
def test_wrong_value_gets_a_sentence(tmp_path, variable, value, sentence):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **{variable: value})

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("launch = 1\n", "[launch] must be a section"),
        ("[launch]\nleeway = 1\n", "there is no setting launch.leeway; did you mean"),
        ("[passback]\nworker_threads = 1.5\n", "passback.worker_threads must be a whole number"),
        ("[passback]\nworker_threads = true\n", "passback.worker_threads must be a whole number"),
        ("public_url = 5\n", "public_url must be text"),
        ("secret_keys_previous = 5\n", "secret_keys_previous must be a list of texts"),
        ("public_url = \n", "is not valid TOML"),
    ],
    ids=[
        "number as section",
        "unknown setting",
        "fraction",
        "switch as number",
        "number as text",
        "number as list",
        "no TOML",
    ],
)
def test_wrong_file_gets_a_sentence(tmp_path, text, sentence):
    named = write(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, LTI_BRIDGE_CONFIG=named)

    assert str(caught.value).startswith(named)
    assert sentence in str(caught.value)


RETIRED = "the setting passback.prioritize_non_tool_grade is ignored now; passback.teacher_grade"


@pytest.mark.parametrize(
    "value", ["true", "false", "perhaps", ""], ids=["true", "false", "unknown", "empty"]
)
def test_retired_setting_in_the_environment_is_told(tmp_path, value):
    variable = "LTI_BRIDGE_PASSBACK__PRIORITIZE_NON_TOOL_GRADE"

    settings = load(tmp_path, **{variable: value})

    assert settings.passback == load(tmp_path).passback
    (told,) = find_retired({variable: value})
    assert told.startswith(f"{variable}: {RETIRED} takes its place")


def test_retired_setting_in_the_file_is_told(tmp_path):
    text = '[passback]\nprioritize_non_tool_grade = false\nteacher_grade = "replace"\n'
    named = write(tmp_path, text)

    settings = load(tmp_path, LTI_BRIDGE_CONFIG=named)

    assert settings.passback.teacher_grade == "replace"
    (told,) = find_retired({}, config_file=Path(named))
    assert told.startswith(f"{named}: {RETIRED} takes its place")


def test_nothing_is_told_of_settings_that_there_are(tmp_path):
    assert find_retired({"LTI_BRIDGE_DATA_DIR": str(tmp_path)}) == []


def test_retired_settings_are_gone():
    known = {f"{section}.{name}" for section, names in declared().items() for name in names}

    assert known.isdisjoint(config.RETIRED)


def test_wrong_secret_is_not_repeated(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, LTI_BRIDGE_DATABASE_URL="post gres://user:hunter2@host/name")

    assert "hunter2" not in str(caught.value)


def test_settings_print_no_secret(tmp_path):
    settings = load(
        tmp_path,
        LTI_BRIDGE_SECRET_KEY="hunter2",
        LTI_BRIDGE_DATABASE_URL="postgresql://user:hunter2@host/name",
        LTI_BRIDGE_SCORM_CLOUD__APP_ID="app",
        LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY="hunter2",
    )

    assert "hunter2" not in repr(settings)


def test_secret_key_is_made_once_and_kept(tmp_path):
    first = load(tmp_path)

    second = load(tmp_path)

    assert len(first.secret_key) > 40
    assert second.secret_key == first.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_empty_kept_key_is_refused(tmp_path):
    (tmp_path / "secret_key").touch()

    with pytest.raises(ConfigurationError, match="is empty: restore it from a backup"):
        load(tmp_path)


def test_queue_is_a_file_of_its_own(tmp_path):
    settings = load(tmp_path)

    assert settings.database_url == f"sqlite:///{tmp_path}/lti_bridge.sqlite3"
    assert settings.queue_url == f"sqlite:///{tmp_path}/queue.sqlite3"


def test_queue_is_in_the_shared_database(tmp_path):
    url = "postgresql://host/name"

    settings = load(tmp_path, LTI_BRIDGE_DATABASE_URL=url, LTI_BRIDGE_SECRET_KEY="key")

    assert settings.queue_url == url


def test_trailing_slash_of_base_url_is_optional(tmp_path):
    settings = load(tmp_path, LTI_BRIDGE_SCORM_CLOUD__BASE_URL="https://host/api/v2/")

    assert settings.scorm_cloud.base_url == "https://host/api/v2"
