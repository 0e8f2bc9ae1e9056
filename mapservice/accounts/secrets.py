"""Secrets that let somebody in: made at random, shown once, kept only as a hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken

RANDOM_BYTES = 32
LONGEST = 200


def new_secret(prefix: str = "") -> str:
    """256 random bits as text fit for an address or a header."""
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def hashed(secret: str) -> bytes:
    """What is kept of a secret: of 256 random bits a fast hash hides as much as a slow one would."""
    return hashlib.sha256(secret.encode()).digest()


def keyed(key: str, *parts: str) -> bytes:
    """A hash that only who has the key can make: hides what could be guessed, as an address."""
    return hmac.digest(key.encode(), "\x00".join(parts).encode(), "sha256")


class Box:
    """Keeps what must be read back: encrypted with a key made from the service's own secret."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(keyed(key, "accounts")))

    def lock(self, plain: str) -> bytes:
        """The text encrypted."""
        return self._fernet.encrypt(plain.encode())

    def unlock(self, locked: bytes) -> str | None:
        """The text; None where the service's secret is no longer the one it was encrypted with."""
        try:
            return self._fernet.decrypt(bytes(locked)).decode()
        except InvalidToken:
            return None
