"""Whether servers say the same: the same features by id, each at the same place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.questions import Kind

Places = dict[str, list[float]]
SIZES_MAY_DIFFER = 0.1
"""Of tiles: each server has its own margin, and counts the points in it or does not."""


def difference(kind: Kind, ours: bytes, theirs: bytes, tolerance: float) -> str | None:
    """In what way two bodies differ, or None; `tolerance` is in degrees."""
    if kind == "document":
        return None
    if kind == "tile":
        here, there = tile_features(ours), tile_features(theirs)
        if abs(here - there) > SIZES_MAY_DIFFER * max(here, there):
            return f"{here} features against {there}"
        return None
    a, b = places(ours), places(theirs)
    if a.keys() != b.keys():
        return f"other features: {len(a)} against {len(b)}, {len(a.keys() ^ b.keys())} in one alone"
    for name, numbers in a.items():
        others = b[name]
        if len(numbers) != len(others) or any(
            abs(x - y) > tolerance for x, y in zip(numbers, others, strict=True)
        ):
            return f"feature {name} is at another place"
    return None


def places(body: bytes) -> Places:
    """The coordinates of every feature of a GeoJSON body, flattened, by id."""
    document = json.loads(body)
    features = document.get("features", [document])
    return {str(feature["id"]): list(_numbers(feature["geometry"]["coordinates"])) for feature in features}


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for each in value:
            yield from _numbers(each)
    else:
        yield float(value)


def tile_features(body: bytes) -> int:
    """How many features a vector tile holds: field 2 of every layer, which is field 3 of the tile."""
    return sum(1 for field, layer in _fields(body) if field == 3 for inner, _ in _fields(layer) if inner == 2)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer message: number and content, which is empty for plain numbers."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                _, at = _varint(message, at)
                yield key >> 3, b""
            case 2:
                length, at = _varint(message, at)
                yield key >> 3, message[at : at + length]
                at += length
            case kind:
                at += {1: 8, 5: 4}[kind]
                yield key >> 3, b""


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
