"""Passwords: kept as Argon2id makes them, and chosen by the rules of the NCSC and NIST SP 800-63B.

Long rather than complicated; nothing that is among the first to be guessed; no rule about digits or signs; no
change but for a reason.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
# OWASP's least for Argon2id: a sign-in costs 19 MiB for some 30 ms, which a small server stands.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
# zxcvbn's own scale of 0 to 4; 3 is "safely unguessable: moderate protection" after 10^8 guesses.
LEAST_SCORE = 3
# It takes longer the longer the password; what is safe after so many characters is safe.
LOOKED_AT = 72


class WeakPassword(ValueError):
    """The password will not do; the message says why and what would."""


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Raise WeakPassword where a password is short or would be guessed; `about`: what others would try."""
    if len(_normal(password)) < SHORTEST:
        raise WeakPassword(f"Use {SHORTEST} characters or more. Three words you will remember are good.")
    if len(password) > LONGEST:
        raise WeakPassword(f"Use at most {LONGEST} characters.")
    from zxcvbn import zxcvbn  # here: its word lists cost memory that few need

    words = set[str]()
    for known in about:
        words |= {known.lower(), "".join(known.lower().split()), *known.lower().replace("@", " ").split()}
    found = zxcvbn(_normal(password)[:LOOKED_AT], user_inputs=sorted(word for word in words if len(word) > 2))
    if found["score"] < LEAST_SCORE:
        why = found["feedback"]["warning"] or "This is easy to guess."
        raise WeakPassword(
            f"{why.rstrip('.')}. Choose another: three words that do not belong together are good."
        )


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return HASHER.hash(_normal(password))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether a password is the one kept; takes as long where none is, and is False."""
    try:
        right = HASHER.verify(kept or _nobodys(), _normal(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether a password was kept with other parameters than are used now."""
    return HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same text whichever way a keyboard composes it."""
    return unicodedata.normalize("NFKC", password)


@functools.cache
def _nobodys() -> str:
    return HASHER.hash("nobody has this password")
