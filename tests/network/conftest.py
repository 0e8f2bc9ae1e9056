"""Walking networks for tests: a street graph of the borough where there is one, and small ones made up here.

The graph of the borough's streets is for tests alone (its licence is not known), so it is not in this
repository; tests that need it are passed over where it is not beside it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from mapservice.database import Database
from mapservice.network.measuring import measure
from mapservice.sources import run_import

SAMPLE = Path(__file__).parents[3] / "shared" / "reference" / "street-segments-sample.csv"


def write_open_roads(path: Path, links: list[tuple[str, str, str, str]], layer: str = "road_link") -> Path:
    """A GeoPackage like that of OS Open Roads; a link is (id, start node, end node, WKT in EPSG:27700)."""
    ids, starts, ends, lines = zip(*links, strict=True)
    count = len(ids)
    names = ["id", "start_node", "end_node", "road_classification", "form_of_way", "road_structure"]
    given = [ids, starts, ends, ["Unclassified"] * count, ["Single Carriageway"] * count, [None] * count]
    pyogrio.raw.write(
        path,
        geometry=np.array([shapely.to_wkb(shapely.from_wkt(line)) for line in lines], dtype=object),
        field_data=[np.array(values, dtype=object) for values in given],
        fields=names,
        layer=layer,
        driver="GPKG",
        geometry_type="LineString",
        crs="EPSG:27700",
    )
    return path


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The borough's streets as a GeoPackage of OS Open Roads."""
    if not SAMPLE.exists():
        pytest.skip("the sample of the borough's streets is not here")
    with SAMPLE.open(newline="") as file:
        links = [
            (str(number), row["node_from"], row["node_to"], row["wkt_epsg27700"])
            for number, row in enumerate(csv.DictReader(file), 1)
        ]
    return write_open_roads(tmp_path_factory.mktemp("streets") / "streets.gpkg", links)


@pytest.fixture(scope="module")
def walked(database: Database, streets: Path) -> Database:
    """The borough with its streets, all walks measured."""
    report = run_import(database, "open-roads", streets, "tester")
    assert report.ok, report.render()
    measure(database)
    return database
