"""Postcodes as people type them and as the register keeps them: upper case, one space ("N1 9JP")."""

from __future__ import annotations

import itertools
import re

FULL = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})", re.ASCII)
# What a finger or an eye confuses, each standing for both.
LOOKALIKES = {"O": "O0", "0": "0O", "I": "I1", "1": "1I", "L": "L1"}
LONGEST = 16


def normalise_postcode(typed: str) -> str | None:
    """The postcode in the form the register keeps, or None if the text is not of a postcode's form."""
    match = FULL.fullmatch(_squeeze(typed))
    return f"{match[1]} {match[2]}" if match else None


def possible_postcodes(typed: str) -> tuple[str, ...]:
    """Every postcode the text may stand for, the most literal first: O for 0, I or L for 1 are forgiven."""
    squeezed = _squeeze(typed)
    if not 5 <= len(squeezed) <= 7:
        return ()
    readings = itertools.product(*(LOOKALIKES.get(letter, letter) for letter in squeezed))
    found = (normalise_postcode("".join(reading)) for reading in readings)
    return tuple(dict.fromkeys(postcode for postcode in found if postcode))


def _squeeze(typed: str) -> str:
    """Upper case without spaces, dots or dashes; too long a text is no postcode and comes back empty."""
    text = re.sub(r"[\s.\-_]+", "", typed[: 4 * LONGEST]).upper()
    return text if len(text) <= LONGEST and text.isascii() else ""
