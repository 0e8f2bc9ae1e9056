"""Counts and extents are kept for as long as the version of a relation stands, and not a moment longer."""

import pytest
from sqlalchemy import text

from mapservice.layers import counting
from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.counting import Counts
from mapservice.layers.query import FeatureQuery
from mapservice.layers.visibility import ANONYMOUS, up_to
from mapservice.register.borough import read_borough

EVERYBODY, COUNCIL = ANONYMOUS, up_to("council")


@pytest.fixture
def layers(settings):
    catalogue = build_catalogue(read_borough(settings.geodata_dir))
    return [catalogue.get("assets"), catalogue.get("libraries"), catalogue.get("wards-2022")]


@pytest.fixture
def asked(monkeypatch):
    """Of which layers the database was asked for the extent."""
    found = []
    read = counting.read_extents

    def spy(cursor, layers, viewer):
        found.extend(layer.id for layer in layers)
        return read(cursor, layers, viewer)

    monkeypatch.setattr(counting, "read_extents", spy)
    return found


def hide(database, visibility):
    with database.session("tester") as session:
        session.execute(
            text("UPDATE register.assets SET visibility = :v WHERE id = 'finsbury-library'"),
            {"v": visibility},
        )


def test_extents_are_found_once_for_each_version_and_viewer(fresh_database, layers, asked):
    counts = Counts()

    def sizes(viewer):
        with fresh_database.reading() as cursor:
            found = counts.read_extents(cursor, layers, viewer)
        return [found[layer.id].count for layer in layers]

    first = sizes(EVERYBODY)
    assert sizes(EVERYBODY) == first
    assert asked == ["assets", "libraries", "wards-2022"]
    hide(fresh_database, "council")
    asked.clear()
    assert sizes(EVERYBODY) == [first[0] - 1, first[1] - 1, first[2]]
    # Wards are another relation, and nothing has changed there.
    assert asked == ["assets", "libraries"]
    assert sizes(COUNCIL) == first
    hide(fresh_database, "public")
    assert sizes(EVERYBODY) == first


def test_the_whole_is_counted_once_for_each_version_and_viewer(fresh_database, layers, monkeypatch):
    counts = Counts()
    counted = []
    count = counting.sql.count
    monkeypatch.setattr(
        counting.sql, "count", lambda layer, *rest: counted.append(layer.id) or count(layer, *rest)
    )

    def number(viewer, **asked):
        with fresh_database.reading() as cursor:
            return counts.read_page(cursor, layers[0], FeatureQuery(limit=1, **asked), "", viewer)[1].exact

    first = number(EVERYBODY)
    assert [number(EVERYBODY), number(EVERYBODY, count_exactly=True)] == [first, first]
    assert counted == ["assets"]
    hide(fresh_database, "council")
    assert [number(EVERYBODY), number(COUNCIL)] == [first - 1, first]
    assert counted == ["assets"] * 3
