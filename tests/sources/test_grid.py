"""PostGIS agrees with Ordnance Survey's own transformation to centimetres, both ways, and stays so."""

import numpy as np
from convertbng.cutil import convert_bng, convert_lonlat

from mapservice.register.borough import read_borough
from mapservice.sources import grid, run_import

TOLERANCE_M = 0.1
EXTENT = (528832.0, 181659.0, 533484.5, 187969.0)


def sample(database, count=3000):
    """Points spread over the borough at random, so that none is one the fit was made from."""
    with database.reading() as cursor:
        cursor.execute(
            "SELECT ST_X(geom), ST_Y(geom) FROM (SELECT (ST_Dump(ST_GeneratePoints((SELECT ST_Union(geom)"
            " FROM register.areas WHERE boundary_set_id = 'localities'), %s, 42))).geom) p",
            (count,),
        )
        return np.array(cursor.fetchall())


def test_grid_to_degrees_is_within_a_decimetre_of_ostn15(database):
    points = sample(database)
    with database.reading() as cursor:
        cursor.execute(
            "SELECT ST_X(g), ST_Y(g) FROM unnest(%s::float8[], %s::float8[]) AS p(e, n),"
            " LATERAL (SELECT ST_Transform(ST_SetSRID(ST_MakePoint(e, n), 998277), 4326) AS g) t",
            (points[:, 0].tolist(), points[:, 1].tolist()),
        )
        ours = np.array(cursor.fetchall())
    # Measured on the ground: our degrees taken back by OSTN15 itself.
    east, north = convert_bng(ours[:, 0].copy(), ours[:, 1].copy())
    errors = np.hypot(east - points[:, 0], north - points[:, 1])
    assert len(errors) == 3000
    assert errors.max() < TOLERANCE_M
    with database.reading() as cursor:
        stated = cursor.execute("SELECT grid_max_error_m, grid_rms_error_m FROM register.borough").fetchone()
    assert errors.max() <= stated[0] + 0.001
    assert stated[0] < TOLERANCE_M
    assert stated[1] < stated[0]


def test_degrees_to_grid_is_within_a_decimetre_of_ostn15(database):
    points = sample(database)
    longitude, latitude = convert_lonlat(points[:, 0].copy(), points[:, 1].copy())
    with database.reading() as cursor:
        cursor.execute(
            "SELECT ST_X(g), ST_Y(g) FROM unnest(%s::float8[], %s::float8[]) AS p(x, y), LATERAL"
            " (SELECT ST_Transform(ST_SetSRID(ST_MakePoint(x, y), 4326), 998277) AS g) t",
            (longitude.tolist(), latitude.tolist()),
        )
        ours = np.array(cursor.fetchall())
    assert np.hypot(*(ours - points).T).max() < TOLERANCE_M


def test_the_fit_is_the_same_every_time():
    assert grid.fit(EXTENT).wkt == grid.fit(EXTENT).wkt


def test_a_new_extent_makes_a_new_grid_and_moves_the_stored_degrees(fresh_database, settings, tmp_path):
    original = (settings.geodata_dir / "borough.toml").read_text()
    wider = original.replace("min_easting = 528832.0", "min_easting = 518832.0")
    assert wider != original
    (tmp_path / "borough.toml").write_text(wider)

    def finsbury():
        with fresh_database.reading() as cursor:
            return cursor.execute(
                "SELECT ST_X(geom_4326), ST_Y(geom_4326), geom FROM register.assets"
                " WHERE id = 'finsbury-library'"
            ).fetchone()

    before = finsbury()
    report = run_import(fresh_database, "borough", tmp_path / "borough.toml", "Ada")
    assert report.ok, report.render()
    assert "grid fitted" in report.render()
    after = finsbury()
    assert after != before
    assert after[2] == before[2]
    assert np.hypot(after[0] - before[0], after[1] - before[1]) < 1e-5
    assert run_import(fresh_database, "borough", tmp_path / "borough.toml", "Ada").changes == 0
    back = run_import(fresh_database, "borough", settings.geodata_dir / "borough.toml", "Ada")
    assert back.ok
    assert finsbury() == before


def test_an_extent_that_makes_no_sense_is_refused(database, settings, tmp_path):
    original = (settings.geodata_dir / "borough.toml").read_text()
    for old, new, why in (
        ("min_easting = 528832.0", "min_easting = 28832.0", "wider than"),
        ("margin_m = 3500", "margin_m = 350000", "margin_m"),
        ('source = "ons-wards-2022"', 'source = "ons-wards-2020"', "did you mean ons-wards-2"),
        ('locality_vintage = "2002"', 'locality_vintage = "1900"', "locality_vintage"),
        ("[map]", "[mapp]", "map is missing"),
        ("valid_to = 2022-05-05", 'valid_to = "2022-05-05"', "without quotes"),
        ("valid_to = 2022-05-05", "valid_to = 1999-05-05", "later than"),
        ("code =", "code", "borough.toml"),
    ):
        assert old in original
        (tmp_path / "borough.toml").write_text(original.replace(old, new, 1))
        report = run_import(database, "borough", tmp_path / "borough.toml", "Ada")
        assert why in report.render(), report.render()
    assert read_borough(settings.geodata_dir).extent == EXTENT
