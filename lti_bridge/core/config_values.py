"""Validation of single settings, with messages that say what is valid."""

import math
import secrets
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigurationError


def check_value(key: str, value: Any, kind: Any, rules: Mapping[str, Any], origin: str) -> Any:
    """Return `value` converted to `kind` and checked; raises ConfigurationError."""
    try:
        value = _convert(value, kind)
    except (ValueError, TypeError, OverflowError) as error:
        # The message omits the value: it may be a misplaced secret.
        raise ConfigurationError(f"{origin}: {key} must be {_describe(kind)}") from error
    lowest, choices = rules.get("at_least"), rules.get("one_of")
    if lowest is not None and value < lowest:
        raise ConfigurationError(f"{origin}: {key} must be at least {lowest}")
    if choices and value not in choices:
        raise ConfigurationError(f"{origin}: {key} must be one of {', '.join(choices)}")
    return value


def _convert(value: Any, kind: Any) -> Any:
    if kind is bool:
        return _convert_bool(value)
    if kind is Path:
        return Path(_text(value))
    if kind is str:
        return _text(value)
    if isinstance(kind, types.GenericAlias):
        items = value.split(",") if isinstance(value, str) else list(value)
        return tuple(_text(item).strip() for item in items if _text(item).strip())
    if isinstance(value, bool):
        raise TypeError("a number is wanted")
    if kind is int and isinstance(value, float):
        raise TypeError("a whole number is wanted")
    number = kind(value)
    if not math.isfinite(number):
        raise ValueError("a finite number is wanted")
    return number


def _convert_bool(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise ValueError("true or false is wanted")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    return value


def _describe(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(kind, "text" if kind in (str, Path) else "a list of texts")


def http_url(key: str, value: str) -> str:
    """Return an http(s) URL without its trailing slash; raises ConfigurationError."""
    wrong = ConfigurationError(f"{key} must be an http(s) address without a query")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise wrong
    return value.rstrip("/")


def kept_secret(data_dir: Path, embedded: bool) -> str:
    """Return the secret key stored in `data_dir`, created at first use; SQLite only."""
    if not embedded:
        raise ConfigurationError(
            "secret_key is not set: with PostgreSQL every node needs the same one; "
            "set LTI_BRIDGE_SECRET_KEY or LTI_BRIDGE_SECRET_KEY_FILE"
        )
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                path.chmod(0o600)
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"cannot keep a secret key in {path}: {error.strerror}") from error
    if not secret:
        raise ConfigurationError(f"{path} is empty: restore it from a backup, or delete it")
    return secret
