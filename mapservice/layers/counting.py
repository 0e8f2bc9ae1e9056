"""How many features match: exact where that is cheap or asked for, else an estimate said to be one.

Counting must never be the dominant cost of a page. The whole of a layer is counted once for each version of
its relation, up to a limit; beyond that PostgreSQL's own estimate is given, under another name than the exact
number. What matches a filter is counted along with the page where the relation is small. Extents, too, are
found once for each version.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.layers import sql
from mapservice.layers.features import PUBLIC, Extent, Page, read_count, read_extents, read_page
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery

SMALL_RELATION = 10_000
COUNTED_WHOLE = 200_000
ESTIMATE_HOLDS_S = 30.0
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """How many features match: exactly, or about so many; neither where it was not worth finding out."""

    exact: int | None = None
    estimate: int | None = None


class Counts:
    """What was counted before, for as long as it holds. One for each process; safe for threads."""

    def __init__(self) -> None:
        self._sizes: dict[str, tuple[float, int]] = {}
        self._wholes: OrderedDict[tuple[str, tuple[str, ...]], tuple[int, int]] = OrderedDict()
        self._extents: dict[tuple[str, tuple[str, ...]], tuple[int, Extent]] = {}
        self._lock = threading.Lock()

    def read_page(
        self,
        cursor: Cursor[Any],
        layer: Layer,
        query: FeatureQuery,
        site: str,
        viewer: tuple[str, ...] = PUBLIC,
    ) -> tuple[Page, Count]:
        """A page of a layer and how many features match in all."""
        size = self._size(cursor, layer)
        whole = layer.tracked and not (query.filtered or query.as_of)
        kept = whole and (query.count_exactly or size <= COUNTED_WHOLE)
        counted = not kept and (query.count_exactly or size <= SMALL_RELATION)
        page = read_page(cursor, layer, query, site, viewer, count=counted)
        if counted:
            return page, Count(exact=page.matched)
        if not (page.next or page.previous or query.begun):
            return page, Count(exact=page.returned)
        if kept and page.version is not None:
            return page, Count(exact=self._whole(cursor, layer, viewer, page.version))
        if query.offset and not page.returned:
            # Passing over all that match took as long as counting them does.
            return page, Count(exact=read_count(cursor, layer, query, viewer))
        return page, Count(estimate=None if query.filtered or query.as_of else size)

    def read_extents(
        self, cursor: Cursor[Any], layers: Iterable[Layer], viewer: tuple[str, ...] = PUBLIC
    ) -> dict[str, Extent]:
        """Count and extent of each layer, by id."""
        wanted = list(layers)
        # The versions first: what is read after them may be newer, and is then not taken for theirs.
        rows = cursor.execute("SELECT relation, version FROM layers.relations", prepare=True)
        versions: dict[str, int] = dict(rows.fetchall())
        found: dict[str, Extent] = {}
        for layer in wanted:
            known = self._extents.get((layer.id, viewer))
            if layer.tracked and known is not None and known[0] == versions.get(layer.relation):
                found[layer.id] = known[1]
        fresh = read_extents(cursor, [layer for layer in wanted if layer.id not in found], viewer)
        for layer in wanted:
            if layer.id in fresh and layer.tracked and layer.relation in versions:
                self._extents[layer.id, viewer] = versions[layer.relation], fresh[layer.id]
        return {layer.id: found.get(layer.id) or fresh[layer.id] for layer in wanted}

    def _size(self, cursor: Cursor[Any], layer: Layer) -> int:
        """About how many rows the relation has, as PostgreSQL's statistics say; 0 where they do not."""
        now = time.monotonic()
        known = self._sizes.get(layer.relation)
        if known is not None and known[0] > now:
            return known[1]
        row = cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", (layer.relation,)
        ).fetchone()
        size = max(0, row[0]) if row else 0
        self._sizes[layer.relation] = (now + ESTIMATE_HOLDS_S, size)
        return size

    def _whole(self, cursor: Cursor[Any], layer: Layer, viewer: tuple[str, ...], version: int) -> int:
        key = (layer.id, viewer)
        with self._lock:
            known = self._wholes.get(key)
        if known is not None and known[0] == version:
            return known[1]
        statement = sql.count(layer, FeatureQuery(), viewer)
        row = cursor.execute(statement.text, statement.parameters).fetchone()
        number, counted_version = row or (0, None)
        if counted_version is not None:
            with self._lock:
                self._wholes[key] = (counted_version, number)
                while len(self._wholes) > MOST_KEPT:
                    self._wholes.popitem(last=False)
        return int(number)
