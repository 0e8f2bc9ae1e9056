"""How many features match: exact where that is cheap or asked for, else an estimate said to be one.

Counting must never be the dominant cost of a page. A small relation is counted along with the page. The
whole of a larger one is counted once for each version of it, up to a limit; beyond that PostgreSQL's own
estimate is given, under another name than the exact number.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.layers import sql
from mapservice.layers.features import PUBLIC, Page, read_page
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
        counted = query.count_exactly or size <= SMALL_RELATION
        page = read_page(cursor, layer, query, site, viewer, count=counted)
        if counted:
            return page, Count(exact=page.matched)
        if not (page.next or page.previous):
            return page, Count(exact=page.returned)
        if query.filtered or query.as_of:
            return page, Count()
        if size <= COUNTED_WHOLE and page.version is not None:
            return page, Count(exact=self._whole(cursor, layer, viewer, page.version))
        return page, Count(estimate=size)

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
