"""Vector tiles in the programs that read them: MapLibre GL in a real Chromium, and GDAL."""

import functools
import http.server
import io
import json
import math
import os
import shutil
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from mapservice.web import frontend

PAGE = Path(__file__).parent / "maplibre"
# Chromium without a graphics card draws WebGL on the processor.
WEBGL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
MIDDLE = [-0.105, 51.545]


@pytest.fixture(scope="module")
def maplibre():
    """The address of a page with MapLibre GL; its package comes from the registry, as its lock file says."""
    wanted = (PAGE / "package-lock.json").read_text()
    installed = PAGE / "node_modules" / ".inputs"
    if not installed.exists() or installed.read_text() != wanted:
        _, npm = frontend._node()
        done = subprocess.run([*npm, "ci"], cwd=PAGE, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        installed.write_text(wanted)
    handler = functools.partial(Quiet, directory=str(PAGE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def page(maplibre, launch):
    browser = launch(*WEBGL)
    page = browser.new_page(viewport={"width": 800, "height": 600})
    page.goto(maplibre)
    page.wait_for_function("window.ready")
    yield page
    browser.close()


def get(address):
    with urllib.request.urlopen(address, timeout=30) as response:
        return json.load(response)


def draw(page, style, center, zoom):
    page.evaluate("([style, center, zoom]) => window.draw(style, center, zoom)", [style, center, zoom])


def drawn(page, part):
    """The ids of the features of a part of the style that are on the map."""
    found = page.evaluate(
        "part => window.shown.queryRenderedFeatures({ layers: [part] }).map((f) => f.properties.id)", part
    )
    return set(found)


def picture(page):
    return Image.open(io.BytesIO(page.locator("#map").screenshot())).convert("RGB")


def pixel(page, position):
    """Where a longitude and latitude are on the picture."""
    point = page.evaluate("place => window.shown.project(place)", position)
    return round(point["x"]), round(point["y"])


def like(colour, other, by=30):
    return all(abs(a - b) <= by for a, b in zip(colour, other, strict=True))


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_maplibre_draws_every_library_where_it_is(page, live_server):
    libraries = get(f"{live_server}/api/collections/libraries/items?f=json")["features"]
    draw(page, f"{live_server}/api/collections/libraries/styles/default", MIDDLE, 11.5)
    assert drawn(page, "libraries-point") == {feature["id"] for feature in libraries}
    style = get(f"{live_server}/api/collections/libraries/styles/default")
    circle = next(part for part in style["layers"] if part["type"] == "circle")
    image = picture(page)
    for feature in libraries:
        where = pixel(page, feature["geometry"]["coordinates"])
        assert like(image.getpixel(where), rgb(circle["paint"]["circle-color"])), feature["id"]
    assert like(image.getpixel((5, 5)), (255, 255, 255))


def test_maplibre_draws_letters_close_by(page, live_server):
    (library,) = (
        feature
        for feature in get(f"{live_server}/api/collections/libraries/items?f=json")["features"]
        if feature["id"] == "finsbury-library"
    )
    center = library["geometry"]["coordinates"]
    draw(page, f"{live_server}/api/collections/libraries/styles/default", center, 16)
    assert drawn(page, "libraries-letter") == {"finsbury-library"}
    image = picture(page)
    x, y = pixel(page, center)
    # All of this lies within the circle: what is white is the letter.
    around = [image.getpixel((x + i, y + j)) for i in range(-6, 7) for j in range(-6, 7)]
    assert sum(like(colour, (0x28, 0x78, 0x8C)) for colour in around) > 60
    assert sum(like(colour, (255, 255, 255), 60) for colour in around) > 8


def test_maplibre_draws_outlines_and_fills(page, live_server):
    style = f"{live_server}/api/styles/default?collections=wards-2022,green-spaces"
    draw(page, style, MIDDLE, 11.5)
    wards = get(f"{live_server}/api/collections/wards-2022/items?f=json")["features"]
    assert drawn(page, "wards-2022-outline") == {feature["id"] for feature in wards}
    assert len(drawn(page, "green-spaces-area")) > 20
    draw(page, style, MIDDLE, 14)
    near = drawn(page, "green-spaces-area")
    largest = max(
        (
            feature
            for feature in get(f"{live_server}/api/collections/green-spaces/items?limit=1000&f=json")[
                "features"
            ]
            if feature["id"] in near and feature["geometry"]["type"] != "Point"
        ),
        key=lambda feature: feature["properties"]["area_ha"] or 0,
    )
    inside = page.evaluate(
        """id => {
            for (let x = 0; x < 800; x += 4) {
                for (let y = 0; y < 600; y += 4) {
                    const near = [[x - 3, y - 3], [x + 3, y - 3], [x - 3, y + 3], [x + 3, y + 3]]
                    const on = (at, layer) => window.shown.queryRenderedFeatures(at, { layers: [layer] })
                        .some((f) => f.properties.id === id)
                    const within = near.every((at) => on(at, 'green-spaces-area'))
                    if (within && !on([x, y], 'green-spaces-outline')) return [x, y]
                }
            }
        }""",
        largest["id"],
    )
    assert inside
    # The green of the layer at 35 %, on white.
    expected = tuple(round(255 - 0.35 * (255 - part)) for part in (0x00, 0x70, 0x3C))
    assert like(picture(page).getpixel(tuple(inside)), expected, 25)


def test_maplibre_draws_only_what_a_filter_lets_through(page, live_server):
    asked = "access=open-to-all"
    draw(page, f"{live_server}/api/collections/green-spaces/styles/default?{asked}", MIDDLE, 14)
    shown = drawn(page, "green-spaces-area")
    items = get(f"{live_server}/api/collections/green-spaces/items?limit=1000&f=json&{asked}")["features"]
    assert shown
    assert shown <= {feature["id"] for feature in items}


def test_gdal_reads_a_tile(live_server, tmp_path):
    program = shutil.which("ogrinfo")
    assert program, "GDAL's tools are not installed; `make test` installs gdal-bin where it may"
    z = 10
    x = int((MIDDLE[0] + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(MIDDLE[1]))) / math.pi) / 2 * 2**z)
    address = f"{live_server}/api/tiles/WebMercatorQuad/{z}/{y}/{x}?collections=libraries,wards-2022"
    tile = tmp_path / f"{z}-{x}-{y}.mvt"
    with urllib.request.urlopen(address, timeout=30) as response:
        tile.write_bytes(response.read())
    command = [program, "-ro", "-al", "-oo", f"X={x}", "-oo", f"Y={y}", "-oo", f"Z={z}", "-oo", "CLIP=NO"]
    done = subprocess.run(
        [*command, str(tile)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "CPL_DEBUG": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    assert "Layer name: libraries" in done.stdout
    assert "Layer name: wards-2022" in done.stdout
    assert done.stdout.count("OGRFeature(libraries)") == 10
    assert done.stdout.count("OGRFeature(wards-2022)") == 17
    assert "id (String) = finsbury-library" in done.stdout
    assert "MULTIPOLYGON" in done.stdout or "POLYGON" in done.stdout
