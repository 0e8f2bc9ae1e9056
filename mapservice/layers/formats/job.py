"""What a download is, and what every format's writer shares: one snapshot, rows from a server-side cursor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from mapservice.layers import sql
from mapservice.layers.features import PUBLIC
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import FeatureQuery

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Job:
    """Which features of which layer to write, for whom: everything that matches, or the query's page of it.

    `site` is this service's address, for links inside the features.
    """

    layer: Layer
    query: FeatureQuery
    site: str = ""
    viewer: tuple[str, ...] = PUBLIC
    paged: bool = False

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties asked for, in the layer's order."""
        fields = self.query.fields
        return tuple(p for p in self.layer.properties if fields is None or p.name in fields)

    @property
    def facts(self) -> dict[str, str]:
        """What a reader of the file should know, by name: title, description, licence, attribution, …"""
        instant = self.query.as_of or datetime.now(UTC)
        return {
            "title": self.layer.title,
            "description": self.layer.description,
            "licence": " ".join(filter(None, (self.layer.licence, self.layer.licence_url))),
            "attribution": self.layer.attribution,
            "source": f"{self.site}/api/collections/{self.layer.id}" if self.site else self.layer.id,
            "as_of": instant.isoformat(timespec="seconds"),
        }

    @property
    def credit(self) -> str:
        """Description, licence and attribution as one paragraph."""
        facts = self.facts
        return f"{facts['description']} Licence: {facts['licence']}. {facts['attribution']}".strip()


@contextmanager
def snapshot(connection: Connection[Any]) -> Iterator[None]:
    """A transaction in which every statement sees the database as it was at its start."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def read_rows(
    connection: Connection[Any], job: Job, expressions: list[str], also: tuple[str, ...] = ()
) -> Iterator[list[tuple[Any, ...]]]:
    """The job's features as rows of SQL expressions over the alias `f`, some hundred at a time.

    `also` are further conditions. Memory stays the same however many there are. Each batch is a statement
    of its own to the database, so that its time limit holds for the work and not for a slow client.
    """
    statement = sql.select(
        job.layer, job.query, expressions, job.site, job.viewer, paged=job.paged, also=also
    )
    # Binary, because geometry in text is hexadecimal: twice the bytes and a decoding.
    with connection.transaction(), connection.cursor(name="rows", binary=True) as cursor:
        cursor.execute(statement.text, statement.parameters)
        while batch := cursor.fetchmany(ROWS_AT_ONCE):
            yield batch


def read_text(connection: Connection[Any], job: Job, expression: str) -> Iterator[list[str]]:
    """The job's features as texts, one for each, some hundred at a time."""
    for batch in read_rows(connection, job, [expression]):
        yield [text for (text,) in batch]
