"""GDAL's own OGC API driver, as QGIS and ArcGIS users have it: every layer, its count, CRS and extent."""

import json
import os
import shutil
import subprocess

import geopandas
import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.register.borough import read_borough


def ogrinfo(*arguments):
    program = shutil.which("ogrinfo")
    assert program, "GDAL's tools are not installed; `make test` installs gdal-bin where it may"
    environment = {**os.environ, "CPL_DEBUG": "", "GDAL_HTTP_TIMEOUT": "30"}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def layers(settings):
    return [layer.id for layer in build_catalogue(read_borough(settings.geodata_dir))]


def test_every_layer_is_listed(live_server, layers):
    listed = ogrinfo("-q", f"OAPIF:{live_server}/api")
    for layer in layers:
        assert layer in listed


def test_every_layer_is_read_whole(live_server, layers, database):
    conditions = {
        "wards-2002": "areas WHERE boundary_set_id = 'wards-2002'",
        "wards-2022": "areas WHERE boundary_set_id = 'wards-2022'",
        "localities": "areas WHERE boundary_set_id = 'localities'",
        "assets": "assets",
        "hubs": "assets WHERE 'hub' = ANY (categories)",
        "community-centres": "assets WHERE categories && '{community-centre,community-hub}'",
        "libraries": "assets WHERE 'library' = ANY (categories)",
        "childrens-centres": "assets WHERE 'childrens-centre' = ANY (categories)",
        "gp-sites": "assets WHERE 'gp-site' = ANY (categories)",
        "green-spaces": "green_spaces WHERE status = 'existing'",
        "potential-green-spaces": "green_spaces WHERE status = 'potential'",
        "services": "published_services",
        "lsoa-2021": "small_areas",
    }
    assert sorted(conditions) == sorted(layers)
    for layer, truth in conditions.items():
        with database.reading() as cursor:
            count, *extent = cursor.execute(
                "SELECT count(*), ST_XMin(ST_Extent(geom_4326)), ST_YMin(ST_Extent(geom_4326)),"
                f" ST_XMax(ST_Extent(geom_4326)), ST_YMax(ST_Extent(geom_4326)) FROM register.{truth}"
            ).fetchone()
        text = ogrinfo(
            "-so", "-ro", "--config", "OGR_OAPIF_PAGE_SIZE", "10", f"OAPIF:{live_server}/api", layer
        )
        found = {
            line.split(":")[0]: line.split(":", 1)[1].strip() for line in text.splitlines() if ":" in line
        }
        assert int(found["Feature Count"]) == count > 0, layer
        corners = [
            float(n) for n in found["Extent"].replace("(", "").replace(")", "").replace(" - ", ",").split(",")
        ]
        assert corners == pytest.approx(extent, abs=1e-5), layer
        assert "WGS 84" in text


def test_features_come_through_with_their_attributes(live_server, tmp_path):
    target = tmp_path / "libraries.geojson"
    subprocess.run(["ogr2ogr", str(target), f"OAPIF:{live_server}/api", "libraries"], check=True, timeout=120)
    features = json.loads(target.read_text())["features"]
    assert len(features) == 10
    finsbury = next(f for f in features if f["properties"]["name"] == "Finsbury Library")
    assert finsbury["geometry"]["coordinates"] == pytest.approx([-0.104553, 51.526486], abs=2e-6)
    assert finsbury["properties"]["ward_2022"] == "Clerkenwell"


def test_a_spatial_filter_is_answered_by_the_server(live_server):
    text = ogrinfo("-q", "-spat", "-0.11", "51.52", "-0.10", "51.53", f"OAPIF:{live_server}/api", "libraries")
    assert text.count("OGRFeature") == 1
    assert "Finsbury Library" in text


def test_a_box_of_metres_is_asked_for_in_degrees(live_server):
    box = ["-spat", "531000", "182000", "532000", "183000", "-spat_srs", "EPSG:27700"]
    target = subprocess.run(
        ["ogr2ogr", "-f", "CSV", "/vsistdout/", *box, f"OAPIF:{live_server}/api", "libraries"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "Finsbury Library" in target.stdout
    assert len(target.stdout.splitlines()) == 2


def test_features_are_written_in_the_national_grid(live_server, tmp_path):
    # GDAL 3.6 asks in degrees and converts itself; where OSTN15 is not installed that is metres off.
    target = tmp_path / "grid.geojson"
    subprocess.run(
        ["ogr2ogr", "-t_srs", "EPSG:27700", str(target), f"OAPIF:{live_server}/api", "libraries"],
        check=True, timeout=120,
    )  # fmt: skip
    found = {f["properties"]["name"]: f for f in json.loads(target.read_text())["features"]}
    assert found["Finsbury Library"]["geometry"]["coordinates"] == pytest.approx([531585, 182544], abs=5)


def test_the_grid_comes_from_the_server_exactly(live_server):
    crs = "http://www.opengis.net/def/crs/EPSG/0/27700"
    address = f"{live_server}/api/collections/libraries/items?limit=1000&crs={crs}"
    text = ogrinfo("-al", "-q", address)
    assert text.count("OGRFeature") == 10
    assert "531585" in text
    assert 'ID["EPSG",27700]]' in ogrinfo("-al", "-so", address)
    frame = geopandas.read_file(address)
    assert frame.crs.to_epsg() == 27700
    one = geopandas.read_file(f"{live_server}/api/collections/libraries/items/finsbury-library?crs={crs}")
    assert one.crs.to_epsg() == 27700
    degrees = geopandas.read_file(f"{live_server}/api/collections/libraries/items?limit=1000")
    assert degrees.crs.to_epsg() == 4326
    assert degrees.to_crs(27700).distance(frame).max() < 10


@pytest.mark.conformance
def test_twenty_five_thousand_features_page_by_page(many_server):
    counted = ogrinfo("-so", f"OAPIF:{many_server}/api", "gp-sites")
    whole = int(next(x for x in counted.splitlines() if x.startswith("Feature Count")).split(":")[1])
    assert whole > 25_000
    text = subprocess.run(
        ["ogr2ogr", "-f", "CSV", "/vsistdout/", "-select", "name", "-oo", "PAGE_SIZE=1000",
         f"OAPIF:{many_server}/api", "gp-sites"],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout.splitlines()  # fmt: skip
    numbers = [line for line in text if line.startswith(("Number ", '"Number '))]
    assert len(text) == whole + 1
    assert len(set(numbers)) == len(numbers) == 25_000
