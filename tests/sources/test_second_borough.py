"""Islington is data: a made-up borough somewhere else loads the same way."""

from pathlib import Path

import pytest

from mapservice.register import migrate
from mapservice.register.borough import read_borough
from mapservice.sources import run_import
from mapservice.sources.context import NotReady
from mapservice.sources.load import load_geodata

TOYTOWN = Path(__file__).parents[1] / "boroughs" / "toytown"


@pytest.fixture(scope="module")
def toytown(make_database):
    with make_database("bare") as database:
        migrate.upgrade(database)
        report = load_geodata(database, TOYTOWN)
        assert report.ok, report.render()
        yield database


def column(database, query):
    with database.reading() as cursor:
        return [row[0] for row in cursor.execute(query).fetchall()]


def test_it_has_wards_of_two_vintages_and_two_localities(toytown):
    borough = read_borough(TOYTOWN)
    assert [item.id for item in borough.boundary_sets] == ["wards-1999", "wards-2019"]
    query = (
        "SELECT boundary_set_id || ' ' || count(*) FROM register.areas GROUP BY boundary_set_id ORDER BY 1"
    )
    assert column(toytown, query) == ["localities 2", "wards-1999 4", "wards-2019 5"]


def test_its_places_are_where_they_are_listed(toytown):
    wrong = (
        "SELECT id FROM layers.assets"
        " WHERE geom IS NOT NULL AND listed_under <> areas #>> '{localities,0,id}'"
    )
    assert column(toytown, wrong) == []
    assert len(column(toytown, "SELECT id FROM layers.assets")) == 6
    assert column(toytown, "SELECT id FROM layers.assets WHERE geom IS NULL") == ["upper-hub"]


def test_a_park_across_the_seam_lies_in_both_localities_by_share(toytown):
    query = "SELECT areas -> 'localities' FROM layers.green_spaces WHERE id = 'seam-park'"
    shares = {item["id"]: item["share"] for item in column(toytown, query)[0]}
    assert shares == {"lower": 0.5, "upper": 0.5}


def test_its_grid_is_its_own_and_as_exact(toytown):
    assert column(toytown, "SELECT grid_max_error_m FROM register.borough")[0] < 0.1
    assert column(toytown, "SELECT postcode FROM register.postcodes WHERE status = 'retired'") == ["ZZ1 1ZZ"]


def test_nothing_of_islington_is_in_it(toytown):
    tables = (
        "areas",
        "assets",
        "organisations",
        "green_spaces",
        "contact_points",
        "boundary_sets",
        "borough",
    )
    for table in tables:
        rows = column(toytown, f"SELECT to_jsonb(t)::text FROM (SELECT * FROM register.{table}) t")
        assert not [row for row in rows if "islington" in row.lower() or "E09000019" in row]


def test_a_register_without_a_borough_says_what_to_import_first(bare_database, tmp_path):
    migrate.upgrade(bare_database)
    path = tmp_path / "assets.csv"
    path.write_text((TOYTOWN / "assets.csv").read_text())
    report = run_import(bare_database, "postcodes", TOYTOWN / "postcodes-extra.csv", "Ada")
    assert not report.ok
    assert "import borough.toml first" in report.render()
    assert issubclass(NotReady, Exception)
