"""Postcodes as people type them and as the register keeps them: upper case, one space ("N1 9JP")."""

from __future__ import annotations

import itertools
import re

FULL = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})", re.ASCII)
# What a finger or an eye confuses, each standing for both.
LOOKALIKES = {"O": "O0", "0": "0O", "I": "I1", "1": "1I", "L": "L1", "8": "8B", "B": "B8"}
# One that stands in other words, such as an address.
WITHIN = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][A-Z]{2}(?![A-Z0-9])", re.ASCII | re.I)
# The gap says where the second half begins, and that it has one too many: "N1 O9JP".
ONE_TOO_MANY = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?\s+[A-Z0-9]{4}", re.ASCII | re.I)
LONGEST = 16


def normalise_postcode(typed: str) -> str | None:
    """The postcode in the form the register keeps, or None if the text is not of a postcode's form."""
    match = FULL.fullmatch(_squeeze(typed))
    return f"{match[1]} {match[2]}" if match else None


def possible_postcodes(typed: str) -> tuple[str, ...]:
    """Every postcode the text may stand for, the most literal first; lookalikes are forgiven."""
    squeezed = _squeeze(typed)
    if not 5 <= len(squeezed) <= 7:
        return ()
    readings = itertools.product(*(LOOKALIKES.get(letter, letter) for letter in squeezed))
    found = (normalise_postcode("".join(reading)) for reading in readings)
    return tuple(dict.fromkeys(postcode for postcode in found if postcode))


def postcodes_within(text: str) -> tuple[str, ...]:
    """Every postcode the text may stand for, or the last that stands in it, as in an address."""
    found = possible_postcodes(text)
    return found or next((possible_postcodes(one) for one in reversed(WITHIN.findall(text))), ())


def has_one_too_many(typed: str) -> bool:
    """Whether the text is a postcode in two halves, of which the second is longer than it can be."""
    return ONE_TOO_MANY.fullmatch(typed.strip()) is not None


def without_one(typed: str) -> tuple[str, ...]:
    """Every postcode that is left of the text without one of its characters, which a finger added."""
    squeezed = _squeeze(typed)
    if not 6 <= len(squeezed) <= 8:
        return ()
    shorter = (squeezed[:place] + squeezed[place + 1 :] for place in range(len(squeezed)))
    found = map(normalise_postcode, shorter)
    return tuple(dict.fromkeys(postcode for postcode in found if postcode))


def _squeeze(typed: str) -> str:
    """Upper case without spaces, dots or dashes; too long a text is no postcode and comes back empty."""
    text = re.sub(r"[\s.\-_]+", "", typed[: 4 * LONGEST]).upper()
    return text if len(text) <= LONGEST and text.isascii() else ""
