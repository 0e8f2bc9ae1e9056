"""How much a phone has to fetch, and how long that takes on a slow network.

Run with UPDATE_DOCS=1 to write the figures into docs/pages.md.
"""

import os
import re

import pytest

from mapservice.settings import REPOSITORY
from tests.journeys.visitor import PHONE

pytestmark = pytest.mark.browser

PAGES = {
    "Start": "/",
    "Question": "/find",
    "Answer": "/find?postcode=N1+9JP&need=food",
    "Answer, every kind": "/find?postcode=N1+9JP",
    "A place": "/assets/finsbury-library",
    "Places, fifty": "/assets",
    "Numbers": "/find/offline",
    "Data": "/data",
    "Map": "/map",
}
# The network is slow by design: without figures to write, the heaviest of each sort will do.
HEAVIEST = {"Start", "Answer", "Places, fifty", "Map"}
MOST_BYTES = 150_000
# "Fast 3G" of Chromium's developer tools: what a phone gets in a street with poor reception.
SLOW = {
    "offline": False,
    "latency": 562,
    "downloadThroughput": 1_440_000 / 8,
    "uploadThroughput": 675_000 / 8,
}
READABLE_WITHIN_S = 6.0
OF_THE_MAP = re.compile(r"/(?:static/dist/map-|map/|api/)")
PAINTED = """() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"""
MARKS = re.compile(r"(<!-- weights: begin -->\n).*?(<!-- weights: end -->)", re.DOTALL)


def measured(browser, address):
    """Bytes over the wire without the map's own, bytes of the map, seconds until the page can be read."""
    context = browser.new_context(service_workers="block", **PHONE)
    try:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        urls, bytes_of = {}, {}
        devtools.on("Network.requestWillBeSent", lambda e: urls.update({e["requestId"]: e["request"]["url"]}))
        devtools.on(
            "Network.loadingFinished", lambda e: bytes_of.update({e["requestId"]: e["encodedDataLength"]})
        )
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", SLOW)
        page.goto(address, wait_until="load", timeout=60_000)
        painted = page.wait_for_function(PAINTED).json_value() / 1000
        of_map = sum(size for key, size in bytes_of.items() if OF_THE_MAP.search(urls.get(key, "")))
        return int(sum(bytes_of.values()) - of_map), int(of_map), painted
    finally:
        context.close()


def test_every_page_is_light_and_soon_readable_on_3g(browser, live_server):
    rows, wrong = [], []
    for name, path in PAGES.items():
        if name not in HEAVIEST and not os.environ.get("UPDATE_DOCS"):
            continue
        size, of_map, seconds = measured(browser, live_server + path)
        rows.append(f"| {name} | {size / 1000:.0f} | {of_map / 1000:.0f} | {seconds:.1f} |")
        if size > MOST_BYTES or seconds > READABLE_WITHIN_S:
            wrong.append(f"{path}: {size} bytes, readable after {seconds:.1f} s")
    assert not wrong, "\n".join(wrong)
    if os.environ.get("UPDATE_DOCS"):
        path = REPOSITORY / "docs" / "pages.md"
        head = "| page | kB | kB of the map | s until it can be read |\n|---|---|---|---|\n"
        path.write_text(MARKS.sub(lambda m: m[1] + head + "\n".join(rows) + "\n" + m[2], path.read_text()))
