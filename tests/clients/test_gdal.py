"""GDAL's own OGC API driver, as QGIS and ArcGIS users have it: every layer, its count, CRS and extent."""

import json
import os
import shutil
import subprocess

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
        "hubs": "assets WHERE 'fairer-together-hub' = ANY (categories)",
        "community-centres": "assets WHERE categories && '{community-centre,community-hub}'",
        "libraries": "assets WHERE 'library' = ANY (categories)",
        "childrens-centres": "assets WHERE 'childrens-centre' = ANY (categories)",
        "gp-sites": "assets WHERE 'gp-site' = ANY (categories)",
        "green-spaces": "green_spaces WHERE status = 'existing'",
        "potential-green-spaces": "green_spaces WHERE status = 'potential'",
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
