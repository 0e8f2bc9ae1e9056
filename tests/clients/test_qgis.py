"""QGIS's own OGC API provider, through PyQGIS: Debian's python3-qgis and qgis-providers, a gigabyte."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.conformance

SCRIPT = """
import json, sys
from qgis.core import (
    QgsApplication, QgsCoordinateReferenceSystem, QgsCoordinateTransformContext, QgsFeatureRequest,
    QgsRectangle, QgsVectorLayer,
)
QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
found = {}
for name in sys.argv[2:]:
    layer = QgsVectorLayer(f"url='{sys.argv[1]}' typename='{name}'", name, "OAPIF")
    if not layer.isValid():
        found[name] = {"error": layer.dataProvider().error().message()}
        continue
    inside = QgsFeatureRequest().setFilterRect(QgsRectangle(-0.11, 51.52, -0.10, 51.53))
    south = QgsFeatureRequest().setFilterExpression("name LIKE 'Finsbury%'")
    grid = QgsFeatureRequest().setDestinationCrs(
        QgsCoordinateReferenceSystem("EPSG:27700"), QgsCoordinateTransformContext()
    ).setLimit(1)
    found[name] = {
        "crs": layer.crs().authid(),
        "count": sum(1 for _ in layer.getFeatures()),
        "inside": sorted(f["name"] for f in layer.getFeatures(inside)),
        "named": sorted(f["name"] for f in layer.getFeatures(south)),
        "metres": [f.geometry().centroid().asPoint().x() for f in layer.getFeatures(grid)],
        "fields": [field.name() for field in layer.fields()],
    }
print("FOUND" + json.dumps(found))
sys.stdout.flush()
import os
os._exit(0)
"""


def qgis(*arguments):
    python = Path("/usr/bin/python3")
    probe = [str(python), "-c", "import qgis.core"]
    if not python.exists() or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("NOT RUN: PyQGIS is not installed: apt-get install python3-qgis qgis-providers (930 MB)")
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME")},
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_RUNTIME_DIR": "/tmp",  # noqa: S108 - Qt only wants it set
    }
    done = subprocess.run(
        [str(python), "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=300, env=environment
    )
    assert "FOUND" in done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout.split("FOUND", 1)[1])


def test_qgis_reads_the_layers(live_server):
    found = qgis(f"{live_server}/api", "libraries", "wards-2022", "green-spaces")
    assert found["libraries"]["crs"] in ("EPSG:4326", "OGC:CRS84")  # as QGIS names it, by version
    assert found["libraries"]["count"] == 10
    assert found["libraries"]["inside"] == ["Finsbury Library"]
    assert found["libraries"]["named"] == ["Finsbury Library"]
    assert all(528_000 < easting < 534_000 for layer in found.values() for easting in layer["metres"])
    assert found["wards-2022"]["count"] == 17
    assert "Clerkenwell" in found["wards-2022"]["inside"]
    assert found["green-spaces"]["count"] > 50


def test_qgis_pages_through_twenty_five_thousand(many_server):
    assert qgis(f"{many_server}/api", "gp-sites")["gp-sites"]["count"] > 25_000
