"""A layer of 25,000 points beside the borough's own, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

MANY = 25_000


@pytest.fixture(scope="module")
def many_server(make_database, serve) -> Iterator[str]:
    """A server whose layer `gp-sites` holds 25,000 more, one every 10 m from (530000, 180000)."""
    with make_database() as database:
        with database.owner.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO register.assets (id, name, categories, position, geom, verified, source_id)"
                " SELECT 'many-' || lpad(n::text, 5, '0'), 'Number ' || n, '{gp-site}', 'building',"
                " ST_SetSRID(ST_MakePoint(530000 + 10 * mod(n, 250), 180000 + 10 * (n / 250)), 27700), false,"
                " (SELECT source_id FROM register.assets LIMIT 1) FROM generate_series(0, 24999) n"
            )
        with serve(database) as address:
            yield address
