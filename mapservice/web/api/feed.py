"""Changes of a layer as an Atom feed (RFC 4287), for feed readers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote
from xml.etree import ElementTree

from mapservice.layers.history import Change
from mapservice.layers.layer import Layer
from mapservice.web.accepting import ATOM

NAMESPACE = "http://www.w3.org/2005/Atom"
SAID = {"created": "New", "updated": "Changed", "deleted": "Gone"}
# XML 1.0 has no way to write these, not even escaped.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def changes_feed(
    site: str, layer: Layer, author: str, updated: datetime, entries: Iterable[Change], links: dict[str, str]
) -> bytes:
    """The feed of some changes; `links` maps relations (self, next) to addresses."""
    home = f"{site}/api/collections/{layer.id}"
    feed = ElementTree.Element(f"{{{NAMESPACE}}}feed")
    _text(feed, "id", f"{home}/changes?f=atom")
    _text(feed, "title", f"{layer.title}: changes")
    _text(feed, "updated", _time(updated))
    _text(_add(feed, "author"), "name", author)
    _text(feed, "rights", " ".join((layer.attribution, layer.licence)).strip())
    for relation, address in links.items():
        _add(feed, "link", rel=relation, type=ATOM, href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=f"{home}?f=html")
    for change in entries:
        _entry(feed, f"{home}/items/{quote(change.id, safe='')}", change)
    ElementTree.register_namespace("", NAMESPACE)
    content: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def _entry(feed: ElementTree.Element, address: str, change: Change) -> None:
    entry = _add(feed, "entry")
    _text(entry, "id", f"{address}#{change.kind}-{_time(change.when)}")
    _text(entry, "title", f"{SAID[change.kind]}: {change.name or change.id}")
    _text(entry, "updated", _time(change.when))
    _add(entry, "category", term=change.kind)
    _text(entry, "summary", f"{change.id} was {change.kind}.")
    _add(entry, "link", rel="alternate", type="text/html", href=f"{address}?f=html")


def _add(parent: ElementTree.Element, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(
        parent,
        f"{{{NAMESPACE}}}{name}",
        {key: UNWRITABLE.sub("", value) for key, value in attributes.items()},
    )


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    _add(parent, name).text = UNWRITABLE.sub("", text)


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
