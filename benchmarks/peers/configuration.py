"""Each peer told about the benchmark's tables: no logging, the same page sizes, the same connection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.dataset import EAST, NORTH, SOUTH, WEST

LARGEST_PAGE = 10_000
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GRID = "http://www.opengis.net/def/crs/EPSG/0/27700"


def pygeoapi(folder: Path, connection: dict[str, str], address: str, tables: Iterable[str]) -> dict[str, str]:
    """Write pygeoapi's configuration and an API document to a folder; the environment that names them."""
    limits = {"default_items": 10, "max_items": LARGEST_PAGE, "on_exceed": "throttle"}
    configuration = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 80},
            "url": address,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-GB"],
            "gzip": False,
            "cors": True,
            "pretty_print": False,
            "limits": limits,
            "map": {"url": "http://localhost/{z}/{x}/{y}.png", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "Benchmark",
                "description": "Benchmark",
                "keywords": ["benchmark"],
                "terms_of_service": "none",
                "url": address,
            },
            "license": {"name": "none", "url": address},
            "provider": {"name": "none", "url": address},
            "contact": {"name": "none", "url": address, "email": "none"},
        },
        "resources": {table: _resource(table, connection, limits) for table in tables},
    }
    named = folder / "pygeoapi.yml"
    # JSON is YAML.
    named.write_text(json.dumps(configuration))
    return {"PYGEOAPI_CONFIG": str(named), "PYGEOAPI_OPENAPI": str(folder / "pygeoapi-openapi.yml")}


# No tiles: for each row its statement looks up both coordinate systems by name, a minute for one tile.
def _resource(table: str, connection: dict[str, str], limits: dict[str, Any]) -> dict[str, Any]:
    source = {
        "data": {**connection, "password": "", "search_path": ["bench", "public"]},
        "id_field": "id",
        "table": table,
        "geom_field": "geom",
    }
    feature: dict[str, Any] = {"type": "feature", "name": "PostgreSQL", **source}
    if table.endswith("27700"):
        feature |= {"storage_crs": GRID, "crs": [CRS84, GRID]}
    return {
        "type": "collection",
        "title": table,
        "description": table,
        "keywords": ["benchmark"],
        "links": [],
        "extents": {"spatial": {"bbox": [WEST, SOUTH, EAST, NORTH], "crs": CRS84}},
        "limits": limits,
        "providers": [feature],
    }


def tipg(connection: dict[str, str], tables: Iterable[str]) -> dict[str, str]:
    """The environment that tells tipg where the tables are."""
    return {
        # It insists on a host in the address: the folder of the socket, with its slashes written otherwise.
        "DATABASE_URL": f"postgresql://{connection['user']}@{quote(connection['host'], safe='')}"
        f":{connection['port']}/{connection['dbname']}",
        "TIPG_DB_SCHEMAS": '["bench"]',
        "TIPG_DB_TABLES": json.dumps([f"bench.{table}" for table in tables]),
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["bench", "public"]',
        "TIPG_MAX_FEATURES_PER_QUERY": str(LARGEST_PAGE),
        "TIPG_DEFAULT_FEATURES_LIMIT": "10",
        # It reads its catalogue once: left on, it would look at the tables again in the midst of a run.
        "TIPG_CATALOG_TTL": "0",
        "TIPG_DB_MAX_CONN_SIZE": "4",
    }
