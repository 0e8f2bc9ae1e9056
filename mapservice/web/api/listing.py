"""The list of layers as finished text: each layer's description is kept for as long as its version stands."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from psycopg import Cursor

from mapservice.database import rows
from mapservice.layers.counting import Counts
from mapservice.layers.layer import Layer
from mapservice.layers.visibility import Viewer
from mapservice.register.borough import Borough
from mapservice.web.api import documents

HERE = "\0"
"""Stands in kept text for the address of the service, which each request says; nothing else holds one."""
WRITTEN_HERE = orjson.dumps(HERE)[1:-1]
FRAME = orjson.dumps(documents.collections(HERE, [])).removesuffix(b"]}")
MOST_KEPT = 1000
STATE = """
    SELECT (SELECT string_agg(relation || ' ' || version, E'\\n') FROM layers.relations),
           (SELECT grid_max_error_m FROM register.borough LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a layer, and what it was made from."""

    layer: Layer
    version: int
    grid_error: float | None
    text: bytes


class Descriptions:
    """What is said of each layer, by who may see what. One for each process; safe for threads."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._kept: dict[tuple[str, Viewer], Description] = {}
        self._lock = threading.Lock()

    def document(
        self, cursor: Cursor[Any], layers: Iterable[Layer], viewer: Viewer, site: str, borough: Borough
    ) -> bytes:
        """The list of layers as JSON, as `documents.collections` has it."""
        members = self._read(cursor, list(layers), viewer, borough)
        text = b"%b%b]}" % (FRAME, b",".join(members))
        return text.replace(WRITTEN_HERE, orjson.dumps(site)[1:-1])

    def _read(
        self, cursor: Cursor[Any], layers: list[Layer], viewer: Viewer, borough: Borough
    ) -> list[bytes]:
        # The versions first: what is read after them may be newer, and is then made anew the next time.
        found = rows.run(cursor.connection, STATE, {})
        versions = _versions(found.get_value(0, 0) or b"")
        error = found.get_value(0, 1)
        grid_error = None if error is None else float(error)
        texts: dict[str, bytes] = {}
        for layer in layers:
            kept = self._kept.get((layer.id, viewer))
            if (
                kept is not None
                and kept.layer is layer
                and kept.version == versions.get(layer.relation)
                and kept.grid_error == grid_error
            ):
                texts[layer.id] = kept.text
        missing = [layer for layer in layers if layer.id not in texts]
        if missing:
            extents = self._counts.read_extents(cursor, missing, viewer)
            for layer in missing:
                extent = extents[layer.id]
                text = orjson.dumps(documents.collection(HERE, layer, extent, grid_error, borough))
                texts[layer.id] = text
                if layer.tracked and layer.relation in versions:
                    made = Description(layer, versions[layer.relation], grid_error, text)
                    self._keep((layer.id, viewer), made)
        return [texts[layer.id] for layer in layers]

    def _keep(self, key: tuple[str, Viewer], description: Description) -> None:
        with self._lock:
            self._kept[key] = description
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]


@lru_cache(maxsize=4)
def _versions(text: bytes) -> dict[str, int]:
    """By relation; mostly asked for again with the same text."""
    found = (line.rsplit(" ", 1) for line in text.decode().splitlines())
    return {name: int(version) for name, version in found}
