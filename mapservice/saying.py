"""Sentences that rooms without pages say in English, and pages in the language of whoever reads."""

from __future__ import annotations

from collections.abc import Mapping


class Said(str):
    """A sentence in English that remembers what it was made of, to be said in another language."""

    text: str
    values: Mapping[str, object]


def english(text: str, **values: object) -> Said:
    """A text with its %(named)s places filled in. What calls this is found, and handed to translators."""
    said = Said(text % values if values else text)
    said.text, said.values = text, values
    return said
