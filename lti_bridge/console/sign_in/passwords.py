"""Passwords of console accounts: kept as Argon2id hashes."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ...core.errors import ConfigurationError

SHORTEST, LONGEST = 12, 200
# OWASP's figures for Argon2id (password storage cheat sheet): 19 MiB, two rounds, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# One at a time in a process: many sign-ins at once shall not take the memory of all others.
_TURN = threading.Lock()


def check_password(password: str, name: str) -> None:
    """Raise ConfigurationError unless `password` may be somebody's new one."""
    if len(password) < SHORTEST:
        raise ConfigurationError(
            f"a password needs at least {SHORTEST} characters; four random words are a good one"
        )
    if len(password) > LONGEST:
        raise ConfigurationError(f"a password has at most {LONGEST} characters")
    if len(set(password)) < 5 or (name and name in password.lower()):
        raise ConfigurationError("this password is too easy to guess: choose another one")


def hash_password(password: str) -> str:
    """Return what the account's row keeps."""
    with _TURN:
        return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Compare in the same time whether the account exists (`password_hash`) or not (None)."""
    with _TURN:
        nobody = _nobody()  # made for both, once in a process: neither takes longer
        try:
            _HASHER.verify(password_hash or nobody, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@cache
def _nobody() -> str:
    """Return what an unknown name's password is compared with, so that the answer takes as long."""
    return _HASHER.hash("nobody's password")


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with weaker figures than today's."""
    return _HASHER.check_needs_rehash(password_hash)
