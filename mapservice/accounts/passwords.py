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

from mapservice.saying import english

SHORTEST = 12
LONGEST = 200
# OWASP's least for Argon2id: a sign-in costs 19 MiB for some 30 ms, which a small server stands.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
# zxcvbn's own scale of 0 to 4; 3 is "safely unguessable: moderate protection" after 10^8 guesses.
LEAST_SCORE = 3
# It takes longer the longer the password; what is safe after so many characters is safe.
LOOKED_AT = 72

# What zxcvbn has to say of a password, so that translators are given it.
WARNINGS = {
    text: text
    for text in (
        english("Straight rows of keys are easy to guess."),
        english("Short keyboard patterns are easy to guess."),
        english('Repeats like "aaa" are easy to guess.'),
        english('Repeats like "abcabcabc" are only slightly harder to guess than "abc".'),
        english('Sequences like "abc" or "6543" are easy to guess.'),
        english("Recent years are easy to guess."),
        english("Dates are often easy to guess."),
        english("This is a top-10 common password."),
        english("This is a top-100 common password."),
        english("This is a very common password."),
        english("This is similar to a commonly used password."),
        english("A word by itself is easy to guess."),
        english("Names and surnames by themselves are easy to guess."),
        english("Common names and surnames are easy to guess."),
    )
}


class WeakPassword(ValueError):
    """The password will not do; the message says why and what would."""


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Raise WeakPassword where a password is short or would be guessed; `about`: what others would try."""
    if len(_normal(password)) < SHORTEST:
        raise WeakPassword(
            english(
                "Use %(least)s characters or more. Three words you will remember are good.", least=SHORTEST
            )
        )
    if len(password) > LONGEST:
        raise WeakPassword(english("Use at most %(most)s characters.", most=LONGEST))
    from zxcvbn import zxcvbn  # here: its word lists cost memory that few need

    words = set[str]()
    for known in about:
        words |= {known.lower(), "".join(known.lower().split()), *known.lower().replace("@", " ").split()}
    found = zxcvbn(_normal(password)[:LOOKED_AT], user_inputs=sorted(word for word in words if len(word) > 2))
    if found["score"] < LEAST_SCORE:
        why = WARNINGS.get(found["feedback"]["warning"]) or english("This is easy to guess.")
        raise WeakPassword(
            english("%(why)s Choose another: three words that do not belong together are good.", why=why)
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
