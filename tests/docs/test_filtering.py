"""Every example of docs/filtering.md works on a layer that has what it asks about."""

import json
import re
from pathlib import Path

import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.cql2 import read_filter
from mapservice.layers.query import CRS_BY_URI, BadQuery
from mapservice.register.borough import read_borough

PAGE = (Path(__file__).parents[2] / "docs/filtering.md").read_text()
EXAMPLES = re.findall(r"^(\S.*)\n  (\S.*)$", PAGE.split("## Examples")[1].split("```json")[0], re.MULTILINE)


@pytest.mark.parametrize("about, text", EXAMPLES, ids=[about for about, _ in EXAMPLES])
def test_an_example_of_the_documents_runs(settings, database, about, text):
    crs = next((uri for uri in CRS_BY_URI if f"filter-crs={uri}" in about), next(iter(CRS_BY_URI)))
    ran = 0
    for layer in build_catalogue(read_borough(settings.geodata_dir)):
        try:
            predicate = read_filter(layer, text, crs=crs)
        except BadQuery:
            continue
        with database.reading() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {layer.relation} f WHERE {predicate.sql}", dict(predicate.parameters)
            )
        ran += 1
    assert ran


def test_the_example_in_json_is_that_in_text(settings):
    (form,) = [found for found in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"op"' in found]
    layer = build_catalogue(read_borough(settings.geodata_dir)).get("assets")
    assert read_filter(layer, json.dumps(json.loads(form)), "cql2-json") == read_filter(layer, EXAMPLES[1][1])
