"""Order and paging that cannot lose rows: a page starts after (sort keys, id), not after so many rows."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from mapservice.layers.layer import Layer, Property

SQL_TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "date": "date",
    "date-time": "timestamptz",
}
LONGEST_CURSOR = 4096
INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One property to order by. Rows without a value come last, or first when descending."""

    property: Property
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place between two rows: the keys of the row before it (or behind it, when going backward).

    `keys` are the values of the sort keys and then the id, as PostgreSQL writes them; None is no value.
    """

    keys: tuple[str | None, ...]
    backward: bool = False


def parse_sort(layer: Layer, text: str) -> tuple[SortKey, ...]:
    """`name,-area_ha` as sort keys; raises ValueError with the reason."""
    known = {prop.name: prop for prop in layer.sortable}
    keys: dict[str, SortKey] = {}
    for word in text.split(","):
        # A plus sign in a query string arrives as a space.
        name = word.strip().lstrip("+-")
        if name not in known:
            raise ValueError(f"{name[:40]!r} cannot be sorted by; these can: {', '.join(known)}")
        if name in keys:
            raise ValueError(f"{name} is named twice")
        keys[name] = SortKey(known[name], word.strip().startswith("-"))
    return tuple(keys.values())


def sort_text(sort: tuple[SortKey, ...]) -> str:
    """Sort keys as the `sortby` parameter has them."""
    return ",".join(("-" if key.descending else "") + key.property.name for key in sort)


def encode_cursor(layer: Layer, sort: tuple[SortKey, ...], cursor: Cursor) -> str:
    """An opaque token for a place in a layer in some order."""
    content = [layer.id, sort_text(sort), int(cursor.backward), *cursor.keys]
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def decode_cursor(layer: Layer, sort: tuple[SortKey, ...], token: str) -> Cursor:
    """The place a token stands for; raises ValueError if it is not one of this layer in this order."""
    try:
        if len(token) > LONGEST_CURSOR:
            raise ValueError
        padded = token + "=" * (-len(token) % 4)
        owner, order, backward, *keys = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fits = owner == layer.id and order == sort_text(sort) and backward in (0, 1)
        if not fits or len(keys) != len(sort) + 1 or not isinstance(keys[-1], str):
            raise ValueError
        for key, value in zip((*(k.property.type for k in sort), layer.id_type), keys, strict=True):
            _check(key, value)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise ValueError("is not a cursor of this layer in this order; start again without it") from None
    return Cursor(tuple(keys), bool(backward))


def _check(kind: str, value: object) -> None:
    """Refuse a value that PostgreSQL could not read back as its type."""
    if value is None:
        return
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    match kind:
        case "bigint" | "integer":
            if not INTEGER.fullmatch(value) or not -(2**63) <= int(value) < 2**63:
                raise ValueError
        case "number":
            if not NUMBER.fullmatch(value) or not math.isfinite(float(value)):
                raise ValueError
        case "boolean":
            if value not in ("true", "false"):
                raise ValueError
        case "date":
            date.fromisoformat(value)
        case "date-time":
            datetime.fromisoformat(value)
