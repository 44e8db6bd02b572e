"""Settings: configs/default.toml, then the operator's file, then the environment."""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import environ as process_environment
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from .config_values import check_value, http_url, kept_secret
from .errors import ConfigurationError
from .paths import shipped

PREFIX = "LTI_BRIDGE_"
CONFIG_FILE_VARIABLE = "LTI_BRIDGE_CONFIG"
# Settings of earlier releases: they are ignored with a warning that says what to do instead.
RETIRED = {
    "passback.prioritize_non_tool_grade": (
        "passback.teacher_grade takes its place (keep, the default, or replace)"
    ),
}


def _setting(
    default: Any,
    *,
    at_least: float | None = None,
    one_of: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare one setting: its default and the rules for its value."""
    rules = {"at_least": at_least, "one_of": one_of, "secret": secret}
    return field(default=default, metadata=rules, repr=not secret)


@dataclass(frozen=True)
class ScormCloudSettings:
    """The SCORM Cloud account named `default`, and how SCORM Cloud is called."""

    base_url: str = _setting("https://cloud.scorm.com/api/v2")
    app_id: str = _setting("")
    secret_key: str = _setting("", secret=True)
    deadline_seconds: float = _setting(15.0, at_least=0.5)
    launch_deadline_seconds: float = _setting(5.0, at_least=0.5)
    upload_deadline_seconds: float = _setting(600.0, at_least=1)
    upload_megabytes: int = _setting(512, at_least=1)
    launch_link_expiry_seconds: int = _setting(120, at_least=10)
    content_expiry_seconds: int = _setting(28800, at_least=300)
    postbacks: str = _setting("auto", one_of=("auto", "on", "off"))
    sweep_seconds: float = _setting(60.0, at_least=1)
    parallel_calls: int = _setting(64, at_least=1)


@dataclass(frozen=True)
class PassbackSettings:
    """How results are looked for and how scores are sent."""

    claim_lease_seconds: float = _setting(60.0, at_least=1)
    lms_deadline_seconds: float = _setting(20.0, at_least=0.5)
    overdue_round_seconds: float = _setting(5.0, at_least=0.1)
    overdue_round_rows: int = _setting(200, at_least=1)
    reconcile_hours: float = _setting(24.0, at_least=0)
    rest_after_failures: int = _setting(5, at_least=1)
    rest_seconds: float = _setting(30.0, at_least=1)
    rest_seconds_max: float = _setting(600.0, at_least=1)
    parallel_posts_canvas: int = _setting(1, at_least=1)
    parallel_posts: int = _setting(4, at_least=1)
    backoff_seconds: float = _setting(5.0, at_least=0.1)
    backoff_seconds_max: float = _setting(3600.0, at_least=1)
    give_up_days: float = _setting(14.0, at_least=0.01)
    teacher_grade: str = _setting("keep", one_of=("keep", "replace"))
    worker_threads: int = _setting(8, at_least=1)

    @property
    def policy(self) -> dict[str, str]:
        """The default grading policy, for platforms and activities without one of their own."""
        return {"teacher_grade": self.teacher_grade}


@dataclass(frozen=True)
class LaunchSettings:
    """How launches are verified and where the player opens."""

    allow_private_networks: bool = _setting(False)
    state_seconds: int = _setting(600, at_least=30)
    leeway_seconds: int = _setting(60, at_least=0)
    token_age_seconds: int = _setting(900, at_least=60)
    jwks_cache_seconds: float = _setting(3600.0, at_least=1)
    pending_deployments: int = _setting(20, at_least=0)
    storage_seconds: float = _setting(1.5, at_least=0.1)
    exit_details_hours: float = _setting(24.0, at_least=0.01)
    trusted_proxies: int = _setting(0, at_least=0)
    spare_threads: int = _setting(4, at_least=0)


@dataclass(frozen=True)
class PrivacySettings:
    """Which personal data is stored, and for how long."""

    default: str = _setting("named", one_of=("named", "pseudonymous"))
    retain_trail_days: int = _setting(365, at_least=0)
    retain_launches_days: int = _setting(365, at_least=0)
    retain_tries_days: int = _setting(90, at_least=0)
    forget_names_days: int = _setting(730, at_least=0)
    scorm_cloud_user_email: str = _setting("")


@dataclass(frozen=True)
class ConsoleSettings:
    """Lifetimes of console sessions."""

    session_hours: float = _setting(12.0, at_least=0.1)
    idle_minutes: float = _setting(120.0, at_least=1)


@dataclass(frozen=True)
class OpsSettings:
    """Logs, metrics and health checks."""

    metrics_token: str = _setting("", secret=True)
    log_format: str = _setting("text", one_of=("text", "json"))


@dataclass(frozen=True)
class Settings:
    """Every setting, checked; made by `load_settings`."""

    public_url: str = _setting("http://127.0.0.1:8000")
    data_dir: Path = _setting(Path("data"))
    database_url: str = _setting("", secret=True)
    queue_url: str = _setting("", secret=True)
    secret_key: str = _setting("", secret=True)
    secret_keys_previous: tuple[str, ...] = _setting((), secret=True)
    log_level: str = _setting("info", one_of=("debug", "info", "warning", "error"))
    scorm_cloud: ScormCloudSettings = field(default_factory=ScormCloudSettings)
    passback: PassbackSettings = field(default_factory=PassbackSettings)
    launch: LaunchSettings = field(default_factory=LaunchSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    ops: OpsSettings = field(default_factory=OpsSettings)


def load_settings(
    environ: Mapping[str, str] | None = None, *, config_file: Path | None = None
) -> Settings:
    """Read the three layers and return checked Settings.

    `environ` replaces the process's environment, `config_file` the file named there. Raises
    ConfigurationError, which names the setting, where it was set, and valid values.
    """
    return _finish(_build(Settings, _read_layers(environ, config_file), ""))


def find_retired(
    environ: Mapping[str, str] | None = None, *, config_file: Path | None = None
) -> list[str]:
    """Return a warning for every retired setting that is still set.

    Arguments and errors as in `load_settings`.
    """
    values = _read_layers(environ, config_file)
    return [
        f"{values[key][1]}: the setting {key} is ignored now; {instead}"
        for key, instead in RETIRED.items()
        if key in values
    ]


def _read_layers(environ: Mapping[str, str] | None, config_file: Path | None) -> dict[str, Any]:
    """Return each given value with the layer that set it last."""
    environ = process_environment if environ is None else environ
    values: dict[str, Any] = {}
    _merge(values, _read_toml(shipped("configs") / "default.toml"), "configs/default.toml")
    if named := str(config_file or environ.get(CONFIG_FILE_VARIABLE, "")):
        _merge(values, _read_toml(Path(named)), named)
    _merge_environment(values, environ)
    return values


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error


def _sections() -> dict[str, type]:
    return {
        f.name: f.type
        for f in dataclasses.fields(Settings)
        if isinstance(f.type, type) and dataclasses.is_dataclass(f.type)
    }


def _merge(values: dict[str, Any], layer: Mapping[str, Any], origin: str) -> None:
    sections = _sections()
    for key, value in layer.items():
        if key in sections:
            if not isinstance(value, dict):
                raise ConfigurationError(f"{origin}: [{key}] must be a section")
            for name, inner in value.items():
                _known(sections[key], name, f"{key}.{name}", origin)
                values[f"{key}.{name}"] = (inner, origin)
        else:
            _known(Settings, key, key, origin)
            values[key] = (value, origin)


def _known(owner: type, name: str, shown: str, origin: str) -> None:
    names = [f.name for f in dataclasses.fields(owner)]
    if name in names or shown in RETIRED:
        return
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ConfigurationError(f"{origin}: there is no setting {shown}{hint}")


def _merge_environment(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable == CONFIG_FILE_VARIABLE:
            continue
        key = variable.removeprefix(PREFIX).lower().replace("__", ".")
        text = environ[variable]
        if key.endswith("_file") and _is_secret(key.removesuffix("_file")):
            key = key.removesuffix("_file")
            text = _read_secret(Path(text), variable)
        section, _, name = key.rpartition(".")
        owner = _sections().get(section) if section else Settings
        if owner is None:
            raise ConfigurationError(f"{variable}: there is no section [{section}]")
        _known(owner, name, key, variable)
        values[key] = (text, variable)


def _is_secret(key: str) -> bool:
    section, _, name = key.rpartition(".")
    owner = _sections().get(section) if section else Settings
    fields = {f.name: f for f in dataclasses.fields(owner)} if owner else {}
    return name in fields and bool(fields[name].metadata.get("secret"))


def _read_secret(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{variable}: cannot read {path}: {error.strerror}") from error


def _build(owner: type, values: Mapping[str, Any], prefix: str) -> Any:
    arguments: dict[str, Any] = {}
    hints = typing.get_type_hints(owner)
    for f in dataclasses.fields(owner):
        if f.name in _sections() and owner is Settings:
            arguments[f.name] = _build(hints[f.name], values, f"{f.name}.")
        elif (key := prefix + f.name) in values:
            value, origin = values[key]
            arguments[f.name] = check_value(key, value, hints[f.name], f.metadata, origin)
    return owner(**arguments)


def _finish(settings: Settings) -> Settings:
    """Derive settings from others: URLs, the database, the queue, the secret."""
    public_url = http_url("public_url", settings.public_url)
    cloud = dataclasses.replace(
        settings.scorm_cloud,
        base_url=http_url("scorm_cloud.base_url", settings.scorm_cloud.base_url),
    )
    if not 10 <= cloud.launch_link_expiry_seconds <= 300:
        raise ConfigurationError("scorm_cloud.launch_link_expiry_seconds must be 10 to 300")
    if bool(cloud.app_id) != bool(cloud.secret_key):
        raise ConfigurationError(
            "scorm_cloud.app_id and scorm_cloud.secret_key belong together: set both or neither"
        )
    data_dir = settings.data_dir.absolute()
    database_url = settings.database_url or f"sqlite:///{data_dir / 'lti_bridge.sqlite3'}"
    embedded = _is_embedded(database_url)
    return dataclasses.replace(
        settings,
        public_url=public_url,
        scorm_cloud=cloud,
        data_dir=data_dir,
        database_url=database_url,
        queue_url=settings.queue_url
        or (f"sqlite:///{data_dir / 'queue.sqlite3'}" if embedded else database_url),
        secret_key=settings.secret_key or kept_secret(data_dir, embedded),
    )


def _is_embedded(database_url: str) -> bool:
    try:
        backend = make_url(database_url).get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError("database_url is not a database address") from error
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ConfigurationError("database_url must be sqlite:///file or postgresql://…")
    return backend == "sqlite"


def environment_without_settings() -> dict[str, str]:
    """Return the process's environment without the bridge's variables, for a child process."""
    return {k: v for k, v in process_environment.items() if not k.startswith(PREFIX)}
