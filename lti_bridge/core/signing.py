"""Signed tokens, encrypted secrets, and passwords derived from the secret key."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from .errors import BridgeError


class BadToken(BridgeError):
    """The token has no valid signature, or is too old (`expired`)."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class Signer:
    """Signs, encrypts and derives with the newest secret key; accepts older keys for reading."""

    def __init__(self, secret_key: str, previous: Sequence[str] = ()) -> None:
        self._keys = [secret_key, *previous]
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in self._keys])
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    def sign(self, purpose: str, payload: Any) -> str:
        """Return a URL-safe token for `payload` (JSON), valid for this `purpose` only."""
        return self._serializer(purpose).dumps(payload)

    def unsign(self, purpose: str, token: str, *, max_age_seconds: int | None = None) -> Any:
        """Return the payload of a token; raises BadToken."""
        try:
            return self._serializer(purpose).loads(token, max_age=max_age_seconds)
        except SignatureExpired as error:
            raise BadToken(f"this {purpose} token has expired", expired=True) from error
        except BadData as error:
            raise BadToken(f"this is not a {purpose} token of ours") from error

    def encrypt(self, secret: str) -> str:
        """Encrypt a secret for the database."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the decrypted secret; raises BadToken when no key fits."""
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken as error:
            raise BadToken(
                "a stored secret cannot be read: it was encrypted under another secret_key; "
                "add that key to secret_keys_previous"
            ) from error

    def derive(self, purpose: str, text: str) -> str:
        """Return the secret derived from `text` (hex), which needs no stored row."""
        return self._derive(self._keys[0], purpose, text)

    def matches(self, purpose: str, text: str, secret: str) -> bool:
        """Tell whether any key derives `secret` from `text`, in constant time."""
        candidates = [self._derive(key, purpose, text) for key in self._keys]
        return any([hmac.compare_digest(c.encode(), secret.encode()) for c in candidates])

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        made = self._serializers.get(purpose)
        if made is None:
            # itsdangerous signs with the last key of the list and accepts all.
            made = self._serializers[purpose] = URLSafeTimedSerializer(
                list(reversed(self._keys)),
                salt=f"lti-bridge.{purpose}",
                signer_kwargs={"digest_method": hashlib.sha256},
            )
        return made

    @staticmethod
    def _derive(key: str, purpose: str, text: str) -> str:
        message = f"{purpose}\0{text}".encode()
        return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def _fernet_key(secret: str) -> bytes:
    digest = hashlib.sha256(b"lti-bridge.encryption\0" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)
