"""Two made-up languages: English that is seen to be translated, and is longer, or runs from right to left.

Whatever still looks like plain English on a page in one of them is data, or was never handed to a translator.
"""

from __future__ import annotations

import re
import string

from babel.messages.catalog import Catalog

_LATIN = "áƀçđéƒğĥíĵķłɱñóƥɋŕšŧúṽŵẋýžÁɃÇĐÉƑĞĤÍĴĶŁḾÑÓƤɊŔŠŦÚṼŴẊÝŽ"
_HEBREW = "אבגדהופגחיכלמנסעפצקרשתטזשךאבגדהופגחיכלמנסעפצקרשתטזשך"
PSEUDO_LETTERS = {
    "en-XA": str.maketrans(string.ascii_letters, _LATIN),
    "ar-XB": str.maketrans(string.ascii_letters, _HEBREW),
}
# What a program fills in, and markup: neither may be changed.
_KEPT = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|&\w+;)")
PADDING = " ~"
LONGER_BY = 0.35


def pseudo_text(text: str, tag: str) -> str:
    """A text in a made-up language: other letters, a third longer, its placeholders as they were."""
    letters = PSEUDO_LETTERS[tag]
    parts = _KEPT.split(text)
    changed = "".join(part if number % 2 else part.translate(letters) for number, part in enumerate(parts))
    return changed + (PADDING * len(text))[: round(len(text) * LONGER_BY)].rstrip()


def pseudo_catalog(source: Catalog, tag: str) -> Catalog:
    """Every text of the source in a made-up language."""
    catalog = Catalog(locale=tag.partition("-")[0])
    for message in source:
        if not message.id:
            continue
        if isinstance(message.id, str):
            said: str | tuple[str, ...] = pseudo_text(message.id, tag)
        else:
            one, many = (pseudo_text(form, tag) for form in message.id)
            said = (one, *[many] * (catalog.num_plurals - 1))
        catalog.add(
            message.id, said, locations=message.locations, flags=message.flags, context=message.context
        )
    return catalog
