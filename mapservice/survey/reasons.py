"""Reasons that the survey gives itself for what it does.

Kept in English, as the history keeps whatever somebody typed, and known again when they are shown.
"""

from __future__ import annotations

import re

from mapservice.saying import english

CONFIRMED = english("Confirmed on the spot")
TAKEN_BACK = english("Taken back")
CONFIRMATION_TAKEN_BACK = english("Confirmation taken back")
DRAWN_ANEW = english("drawn anew")
NONE_GIVEN = english("no reason given")
OF_A_DRAFT = english("It became part of a space that was suggested before")
BECAME_PART = english("It became part of %(name)s")
MERGED = english("merged into %(id)s")
REVERTED = english("takes back change %(number)s")

_OWN = (
    *(CONFIRMED, TAKEN_BACK, CONFIRMATION_TAKEN_BACK, DRAWN_ANEW, NONE_GIVEN),
    *(OF_A_DRAFT, BECAME_PART, MERGED, REVERTED),
)
_PLACE = re.compile(r"%\\\((\w+)\\\)s")
_PATTERNS = [
    (own.text, re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(own.text)), re.DOTALL)) for own in _OWN
]


def known_again(reason: str | None) -> str | None:
    """A reason as it is kept: one of the survey's own such that it can be said in another language."""
    for words, pattern in _PATTERNS:
        if reason and (found := pattern.fullmatch(reason)):
            return english(words, **found.groupdict())
    return reason
