"""The conformance suites of others, against a real server: `make conformance`."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import pytest

from tests.conformance import executable
from tests.conformance.record import Result

pytestmark = pytest.mark.conformance

CHECK_DOCUMENT = """
import json, sys
from ogcapi_registry import parse_conformance_classes, validate_ogc_api
given = json.load(sys.stdin)
found = validate_ogc_api(given["document"], parse_conformance_classes(given["classes"]))
said = {"valid": found.is_valid, "errors": list(found.errors), "warnings": list(found.warnings)}
json.dump(said, sys.stdout)
"""


def pinned(name):
    text = (Path(__file__).parent / f"{name}.txt").read_text()
    return re.search(rf"^{re.escape(name)}==(\S+)", text, re.MULTILINE)[1]


def get(address):
    with urllib.request.urlopen(address, timeout=60) as response:
        return json.load(response)


# The suite moves two corners of a box to another CRS, which is not the box any more: docs/conformance.md.
TWO_CORNERS = "verifyBboxCrsParameter"


def test_ogcs_own_executable_suite(placed_server, folder, recorded):
    try:
        results = executable.run(f"{placed_server}/api", folder / "ets")
    except executable.NotHere as reason:
        # What was found when it could be run stays in the record, with its day.
        pytest.skip(f"NOT RUN: {reason}")
    found, failures = executable.summarise(results, "with every feature placed")
    recorded(*found)
    unexplained = [f for f in failures if f.name != TWO_CORNERS or not is_answered_rightly(f.asked)]
    assert not unexplained, "\n".join(map(str, unexplained))
    assert sum(each.passed for each in found) > 1000


def is_answered_rightly(address):
    """Whether a box in another CRS finds the points, and only those, that lie in it by their coordinates."""
    items, _, query = address.partition("?")
    asked = dict(parse_qsl(query))
    west, south, east, north = map(float, asked["bbox"].split(","))
    everything = get(f"{items}?{urlencode({'crs': asked['bbox-crs'], 'limit': 1000})}")["features"]
    inside = set()
    for feature in everything:
        assert feature["geometry"]["type"] == "Point"
        x, y = feature["geometry"]["coordinates"]
        inside |= {feature["id"]} if west <= x <= east and south <= y <= north else set()
    found = get(f"{items}?{urlencode(asked | {'limit': 1000})}")["features"]
    return {feature["id"] for feature in found} == inside


def test_ogctests(placed_server, environment, folder, recorded):
    python = environment("ogctests")
    report = folder / "ogctests.xml"
    where = [str(python), "-c", "import ogctests, pathlib; print(pathlib.Path(ogctests.__file__).parent)"]
    package = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [str(python), "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider", "-W", "ignore",
         "--quiet", "--junit-xml", str(report), f"--rootdir={package}", f"{package}/features/core"],
        capture_output=True, text=True, timeout=900, cwd=package,
        env={"INSTANCE_URL": f"{placed_server}/api", "PATH": str(python.parent)},
    )  # fmt: skip
    suite = ElementTree.parse(report).find("testsuite")  # noqa: S314 - written by the suite we ran
    total, failed, errors, skipped = (int(suite.get(x)) for x in ("tests", "failures", "errors", "skipped"))
    wrong = failed + errors
    note = "with every feature placed: it knows no `geometry: null`"
    recorded(Result("ogctests", pinned("ogctests"), "Core", total - wrong - skipped, wrong, skipped, note))
    assert (done.returncode, total, skipped) == (0, 29, 0), done.stdout[-5000:]


def test_ogcapi_registry(live_server, environment, recorded):
    given = {
        "document": get(f"{live_server}/api/openapi.json"),
        "classes": get(f"{live_server}/api/conformance")["conformsTo"],
    }
    done = subprocess.run(
        [str(environment("ogcapi-registry")), "-c", CHECK_DOCUMENT],
        input=json.dumps(given), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)
    # It informs that a single feature cannot be filtered either, as if there were something to filter.
    wrong = [
        each
        for each in [*found["errors"], *found["warnings"]]
        if not (each["severity"] == "info" and "{featureId}" in each["path"])
    ]
    version = pinned("ogcapi-registry")
    recorded(Result("ogcapi-registry", version, "OpenAPI document", int(not wrong), len(wrong), 0))
    assert found["valid"]
    assert wrong == []
