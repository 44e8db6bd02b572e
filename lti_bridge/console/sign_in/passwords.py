"""Passwords of console accounts, hashed with Argon2id."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...core.errors import ConfigurationError

SHORTEST, LONGEST = 12, 200
# OWASP's parameters for Argon2id (password storage cheat sheet): 19 MiB, two rounds, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# One at a time per process, to bound the memory that many sign-ins take.
_TURN = threading.Lock()


def check_password(password: str, name: str) -> None:
    """Raise ConfigurationError unless `password` is acceptable as a new one."""
    if len(password) < SHORTEST:
        raise ConfigurationError(
            f"a password needs at least {SHORTEST} characters; four random words are a good one"
        )
    if len(password) > LONGEST:
        raise ConfigurationError(f"a password has at most {LONGEST} characters")
    if len(set(password)) < 5 or (name and name in password.lower()):
        raise ConfigurationError("this password is too easy to guess: choose another one")


def hash_password(password: str) -> str:
    """Return the password's hash for the account's row."""
    with _TURN:
        return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Compare, in the same time for an existing account and for an unknown one (None)."""
    with _TURN:
        unknown = _unknown_hash()  # computed in both cases, once per process
        try:
            _HASHER.verify(password_hash or unknown, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@cache
def _unknown_hash() -> str:
    """Return the hash that an unknown account's password is compared with."""
    return _HASHER.hash("nobody's password")


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash has weaker parameters than the current ones."""
    return _HASHER.check_needs_rehash(password_hash)
