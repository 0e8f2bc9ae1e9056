"""The tables of docs/formats.md are made from the registry and the catalogue."""

import os
import re
from pathlib import Path

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.formats import FORMATS
from mapservice.layers.formats.shapefile import short_names
from mapservice.register.borough import read_borough

PATH = Path(__file__).parents[2] / "docs/formats.md"


def formats_table():
    yield "| `f=` | format | media type | endings | what it holds |"
    yield "|---|---|---|---|---|"
    for each in FORMATS:
        endings = ", ".join(f"`{ending}`" for ending in each.endings)
        yield f"| `{each.id}` | {each.title} | `{each.media_type}` | {endings} | {each.holds} |"


def names_table(settings):
    found = {}
    for layer in build_catalogue(read_borough(settings.geodata_dir)):
        for name, short in short_names(["id", *(prop.name for prop in layer.properties)]).items():
            if name != short:
                found.setdefault((name, short), []).append(layer.id)
    yield "| property | in Shapefiles |"
    yield "|---|---|"
    for name, short in sorted(found):
        yield f"| `{name}` | `{short}` |"


def test_the_tables_are_those_of_the_code(settings):
    """Run with UPDATE_DOCS=1 to write them anew."""
    wanted = PATH.read_text()
    for mark, rows in (("formats", formats_table()), ("names", names_table(settings))):
        table = "\n".join(rows) + "\n"
        pattern = re.compile(rf"(<!-- {mark}:.*?-->\n).*?(<!-- /{mark} -->)", re.DOTALL)
        wanted, times = pattern.subn(lambda found, table=table: found[1] + table + found[2], wanted)
        assert times == 1
    if os.environ.get("UPDATE_DOCS"):
        PATH.write_text(wanted)
    assert PATH.read_text() == wanted
