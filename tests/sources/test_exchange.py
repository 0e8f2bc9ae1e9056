"""Green spaces that others have drawn: previewed, decided, taken over once, each with its licence."""

import csv
import json

import geopandas
import pytest
import shapely
from sqlalchemy import text

from mapservice.sources.exchange import import_green_spaces
from mapservice.sources.exchange.reading import Found


def park(east, side=80, north=184000):
    return shapely.MultiPolygon([shapely.box(east, north, east + side, north + side)])


@pytest.fixture
def ours(fresh_database):
    """Two parks of the register and no others: one with an outline, one an approximate point."""
    with fresh_database.session("tester", as_owner=True) as session:
        session.execute(text("DELETE FROM register.green_spaces"))
        for id_, shape, name in (
            ("known-park", park(531000).wkt, "Known Park"),
            ("pointed-green", "POINT (531540 184040)", "Pointed Green"),
        ):
            kind = "outline" if shape.startswith("MULTI") else "approximate"
            session.execute(
                text(
                    "INSERT INTO register.green_spaces (id, name, status, type, access, position, geom,"
                    f" source_id, verified) VALUES ('{id_}', '{name}', 'existing', 'park-or-garden',"
                    f" 'open-to-all', '{kind}', ST_GeomFromText('{shape}', 27700), 'direct-entry', true)"
                )
            )
    return fresh_database


def os_release(folder, release):
    """A release of OS Open Greenspace: its ids are other ones each time."""
    path = folder / "opgrsp.gpkg"
    sites = {
        "id": [f"{release}-1", f"{release}-2", f"{release}-3", f"{release}-4"],
        "function": ["Public Park Or Garden"] * 3 + ["Play Space"],
        "distinctive_name_1": ["Known Park", "Pointed Green", "New Green", None],
    }
    shapes = [park(531000), park(531500), park(532000), park(560000)]
    geopandas.GeoDataFrame(sites, geometry=shapes, crs=27700).to_file(path, layer="greenspace_site")
    doors = {
        "id": ["a", "b"],
        "access_type": ["Pedestrian"] * 2,
        "ref_to_greenspace_site": [f"{release}-1", f"{release}-3"],
    }
    points = [shapely.Point(531000, 184010), shapely.Point(532040, 184000)]
    geopandas.GeoDataFrame(doors, geometry=points, crs=27700).to_file(path, layer="access_point")
    return path


def review_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def decide(path, **decisions):
    rows = list(review_of(path).values())
    for row in rows:
        row["decision"] = decisions.get(row["name"].replace(" ", "_"), "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def spaces(database):
    with database.reading() as cursor:
        rows = cursor.execute(
            "SELECT id, name, position, source, licence, (SELECT count(*) FROM register.entrances e JOIN"
            " register.green_spaces g ON g.key = e.green_space_key WHERE g.id = f.id)"
            " FROM layers.green_spaces f ORDER BY id"
        )
        return {row[0]: row[1:] for row in rows}


def test_a_release_of_os_open_greenspace_is_previewed_decided_and_never_asked_again(ours, tmp_path):
    review = tmp_path / "review.csv"
    path = os_release(tmp_path, "april")
    before = spaces(ours)
    report = import_green_spaces(ours, "os-open-greenspace", path, "Ada", review=review)
    assert report.ok, report.render()
    assert "preview: 1 new, 2 changed, 0 same, 0 conflicting" in report.render()
    assert spaces(ours) == before, "a preview writes nothing"
    rows = review_of(review)
    assert {name: (row["verdict"], row["ours"]) for name, row in rows.items()} == {
        "Known Park": ("changed", "known-park"),
        "Pointed Green": ("changed", "pointed-green"),
        "New Green": ("new", ""),
    }
    assert rows["Known Park"]["differences"] == "1 new entrance"
    assert rows["Pointed Green"]["differences"] == "another outline"

    decide(review, Known_Park="take", Pointed_Green="keep", New_Green="add")
    report = import_green_spaces(ours, "os-open-greenspace", path, "Ada", review=review, decided=True)
    assert report.ok, report.render()
    assert spaces(ours) == {
        "known-park": ("Known Park", "outline", "OS Open Greenspace: public parks and gardens",
                       "Open Government Licence v3.0", 1),
        "new-green": ("New Green", "outline", "OS Open Greenspace: public parks and gardens",
                      "Open Government Licence v3.0", 1),
        "pointed-green": before["pointed-green"],
    }  # fmt: skip

    (tmp_path / "later").mkdir()
    again = import_green_spaces(
        ours,
        "os-open-greenspace",
        os_release(tmp_path / "later", "october"),
        "Ada",
        review=tmp_path / "none.csv",
    )
    assert "preview: 0 new, 0 changed, 3 same, 0 conflicting" in again.render()
    assert not (tmp_path / "none.csv").exists()
    after = spaces(ours)
    report = import_green_spaces(ours, "os-open-greenspace", path, "Ada", review=review, decided=True)
    assert report.changes == 0, report.render()
    assert spaces(ours) == after


def test_licences_stay_with_their_records(ours, tmp_path):
    degrees = geopandas.GeoSeries([park(532000), park(532300)], crs=27700).to_crs(4326)
    tags = [
        {"@id": "way/1", "leisure": "park", "name": "Mapped Park", "access": "yes"},
        {"@id": "way/2", "building": "yes", "name": "No Park"},
    ]
    path = tmp_path / "overpass.geojson"
    features = [
        {"type": "Feature", "properties": cells, "geometry": shapely.geometry.mapping(shape)}
        for cells, shape in zip(tags, degrees, strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    review = tmp_path / "review.csv"
    import_green_spaces(ours, "osm-green-spaces", path, "Ada", review=review)
    assert [*review_of(review)] == ["Mapped Park"]
    decide(review, Mapped_Park="add")
    assert import_green_spaces(ours, "osm-green-spaces", path, "Ada", review=review, decided=True).ok
    with ours.reading() as cursor:
        apart = cursor.execute(
            "SELECT licence, array_agg(id ORDER BY id) FROM layers.green_spaces GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert apart == [
        ("Open Database License 1.0", ["mapped-park"]),
        ("Open Government Licence v3.0", ["known-park", "pointed-green"]),
    ]


def test_what_could_be_either_of_two_is_for_a_person_to_say(ours, tmp_path):
    path = tmp_path / "drawn.geojson"
    both = shapely.box(531000, 184000, 531100, 184080)
    frame = geopandas.GeoDataFrame({"name": ["Pointed Green"]}, geometry=[both], crs=27700)
    frame.to_file(path)
    review = tmp_path / "review.csv"
    report = import_green_spaces(
        ours, "drawn-green-spaces", path, "Ada", review=review, source="direct-entry"
    )
    assert "1 conflicting" in report.render()
    row = review_of(review)["Pointed Green"]
    assert row["ours"] == "known-park"
    assert row["differences"].startswith("another outline; another name")


def test_a_map_drawn_in_google_my_maps_can_hold_potential_spaces(ours, tmp_path):
    path = tmp_path / "map.kml"
    (corner,) = geopandas.GeoSeries([park(532000)], crs=27700).to_crs(4326)
    ring = " ".join(f"{x},{y},0" for x, y in corner.geoms[0].exterior.coords)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        "<Placemark><name>=Vacant corner</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
    )
    review = tmp_path / "review.csv"
    report = import_green_spaces(
        ours, "drawn-green-spaces", path, "Ada", review=review, source="direct-entry"
    )
    assert "1 new" in report.render()
    assert "'=Vacant corner" in review_of(review), "a spreadsheet runs no formula of the file"
    csv_path = tmp_path / "drawn.csv"
    csv_path.write_text(f'name,status,wkt\nA corner,potential,"{park(532400).wkt}"\n')
    import_green_spaces(ours, "drawn-green-spaces", csv_path, "Ada", review=review, source="direct-entry")
    decide(review, A_corner="add")
    done = import_green_spaces(
        ours, "drawn-green-spaces", csv_path, "Ada", review=review, source="direct-entry", decided=True
    )
    assert done.ok, done.render()
    with ours.reading() as cursor:
        stage = "SELECT status, stage, type, access FROM layers.green_spaces WHERE id = 'a-corner'"
        assert cursor.execute(stage).fetchone() == ("potential", "suggested", "unknown", "unknown")


@pytest.mark.parametrize(
    "kind,source,field",
    [
        ("gigl-spaces-to-visit", None, "source"),
        ("drawn-green-spaces", "hearsay", "source"),
        ("os-open-greenspace", None, "file"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(database, tmp_path, kind, source, field):
    path = tmp_path / "no-spaces.gpkg"
    path.write_text("not a database")
    report = import_green_spaces(database, kind, path, "Ada", review=tmp_path / "r.csv", source=source)
    assert [r.field for r in report.rejected] == [field], report.render()


def test_a_decision_about_another_file_or_an_unknown_space_changes_nothing(ours, tmp_path):
    review = tmp_path / "review.csv"
    path = os_release(tmp_path, "april")
    import_green_spaces(ours, "os-open-greenspace", path, "Ada", review=review)
    before = spaces(ours)
    for change in ({"key": "k0"}, {"ours": "no-such-park"}, {"decision": "perhaps"}):
        rows = [{**row, "decision": "take"} for row in review_of(review).values() if row["ours"]]
        rows[0] |= change
        wrong = tmp_path / "wrong.csv"
        with wrong.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        report = import_green_spaces(ours, "os-open-greenspace", path, "Ada", review=wrong, decided=True)
        assert [(r.line, r.field) for r in report.rejected] == [(2, next(iter(change)))]
    assert spaces(ours) == before


def test_the_digest_forgets_the_id_and_the_order_of_corners():
    one = Found("a", "X", "unknown", "unknown", "existing", park(531000))
    turned = shapely.MultiPolygon([shapely.box(531000, 184000, 531080, 184080, ccw=False)])
    assert one.digest == Found("b", "x", "unknown", "unknown", "existing", turned).digest
    assert one.digest != Found("a", "X", "unknown", "unknown", "existing", park(531001)).digest
