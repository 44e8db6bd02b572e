"""Faults of a practice server, which a user can switch on, parsed from JSON."""

from dataclasses import asdict, dataclass, fields
from typing import Any


class BadFaults(ValueError):
    """The faults are invalid; the message says why."""


@dataclass(frozen=True)
class Faults:
    """One set of faults; the default has none.

    Rates are probabilities from 0 to 1, `latency_ms` is milliseconds, `retry_after` and
    `result_lag_seconds` are seconds.
    """

    latency_ms: float = 0
    error_status: int = 0
    error_rate: float = 0
    drop_connection_rate: float = 0
    retry_after: float | None = None
    result_lag_seconds: float = 0
    postback_early: bool = False
    never_return: bool = False
    duplicate_registration: str = "reject"
    error_key: str = "error"
    expired_token_rate: float = 0
    deletes_off: bool = False
    stale_lists: bool = False

    @classmethod
    def parse(cls, body: object) -> "Faults":
        """Return the faults of a JSON object; BadFaults for an unknown name or a wrong value."""
        if not isinstance(body, dict):
            raise BadFaults("Faults are one JSON object, such as {} or {'latency_ms': 200}.")
        known = {field.name for field in fields(cls)}
        for name, value in body.items():
            if name not in known:
                raise BadFaults(
                    f"There is no fault {name!r}; known are: {', '.join(sorted(known))}."
                )
            _check(name, value)
        given = dict(body)
        if "error_status" in given:
            given.setdefault("error_rate", 1)
        elif given.get("error_rate"):
            given["error_status"] = 503
        return cls(**given)

    def changed(self) -> dict[str, Any]:
        """Return the faults that differ from none, as JSON values."""
        none = asdict(Faults())
        return {name: value for name, value in asdict(self).items() if value != none[name]}


_CHOICES = {"duplicate_registration": ("reject", "reset"), "error_key": ("error", "message")}
_SWITCHES = ("postback_early", "never_return", "deletes_off", "stale_lists")


def _check(name: str, value: object) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise BadFaults(f"{name} is one of {' or '.join(_CHOICES[name])}, not {value!r}.")
    elif name in _SWITCHES:
        if not isinstance(value, bool):
            raise BadFaults(f"{name} is true or false, not {value!r}.")
    else:
        _check_number(name, value)


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise BadFaults(f"{name} is a number from 0 up, not {value!r}.")
    if name.endswith("_rate") and value > 1:
        raise BadFaults(f"{name} is a probability from 0 to 1, not {value!r}.")
    if name == "error_status" and not (isinstance(value, int) and 400 <= value <= 599):
        raise BadFaults(f"error_status is an HTTP status from 400 to 599, not {value!r}.")
