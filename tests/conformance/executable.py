"""OGC's executable test suite for OGC API - Features: fetch it, run it, and say what it found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.conformance.record import Result

POM = Path(__file__).parent / "ets" / "pom.xml"
SUITE = "ets-ogcapi-features10"
MAIN = "org.opengis.cite.ogcapifeatures10.TestNGController"
PROGRAMS = {"java": "openjdk-17-jre-headless", "mvn": "maven"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed: its class, what it said, and the address it had asked last, if any."""

    group: str
    name: str
    message: str
    asked: str

    def __str__(self) -> str:
        return f"{self.group}: {self.name}: {self.message[:300]} {self.asked}"


class NotHere(Exception):
    """The suite cannot be run on this machine; the text says why."""


def version() -> str:
    """The version that the project file asks for."""
    space = "{http://maven.apache.org/POM/4.0.0}"
    found = ElementTree.parse(POM).find(f"{space}dependencies/{space}dependency/{space}version")  # noqa: S314
    assert found is not None
    assert found.text
    return found.text


def find_programs() -> None:
    """Java and Maven, installed where that may be done; raises NotHere."""
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NotHere(f"{' and '.join(missing)} are not installed")
    subprocess.run(
        ["apt-get", "install", "--yes", "--no-install-recommends", *missing],
        capture_output=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if any(not shutil.which(program) for program in PROGRAMS):
        raise NotHere(f"{' and '.join(missing)} could not be installed")


def fetch(folder: Path) -> str:
    """The class path of the suite, fetched by Maven; raises NotHere with Maven's own words."""
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "classpath"
    done = subprocess.run(
        ["mvn", "--batch-mode", "--quiet", "--file", str(POM), "dependency:build-classpath",
         f"-Dmdep.outputFile={listing}"],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode or not listing.exists():
        said = [line for line in done.stdout.splitlines() if "Could not" in line or "Cannot" in line]
        raise NotHere(f"Maven could not fetch {SUITE} {version()}: {' '.join(said[:1])[:500]}")
    return listing.read_text()


def run(address: str, folder: Path) -> Path:
    """Run the suite against a landing page; the TestNG results it writes."""
    find_programs()
    classpath = fetch(folder)
    arguments = folder / "arguments.xml"
    arguments.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<properties version="1.0">'
        f'<entry key="iut">{escape(address)}</entry><entry key="noofcollections">-1</entry></properties>\n'
    )
    output = folder / "output"
    shutil.rmtree(output, ignore_errors=True)
    done = subprocess.run(
        ["java", "-cp", classpath, MAIN, "--outputDir", str(output), str(arguments)],
        capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    results = sorted(output.rglob("testng-results.xml"))
    assert results, f"{SUITE} wrote no results: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return results[-1]


def summarise(results: Path, note: str = "") -> tuple[list[Result], list[Failure]]:
    """What it found by conformance class, and every failure."""
    found, failures = [], []
    for test in ElementTree.parse(results).iter("test"):  # noqa: S314 - written by the suite we ran
        methods = [method for method in test.iter("test-method") if method.get("is-config") != "true"]
        statuses = [method.get("status") for method in methods]
        counts = (statuses.count(status) for status in ("PASS", "FAIL", "SKIP"))
        group = test.get("name", "")
        found.append(Result(SUITE, version(), group, *counts, note))
        failures += [
            Failure(group, method.get("name", ""), _text(method, "exception/message"), _asked(method))
            for method in methods
            if method.get("status") == "FAIL"
        ]
    return found, failures


def _asked(method: ElementTree.Element) -> str:
    found = re.search(r"Request URI:\s*(\S+)", _text(method, "attributes/attribute[@name='request']"))
    return found[1] if found else ""


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
