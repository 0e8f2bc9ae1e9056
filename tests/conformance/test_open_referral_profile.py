"""The extract of the Open Referral UK profile that the tests check against is what is published."""

import json
import urllib.error
import urllib.request
from urllib.parse import urljoin

import pytest

from tests.web.openreferral.profile import EXTRACT

PUBLISHED = "https://openreferraluk.org/specifications/3.0/schema/"
# The profile hangs telephones on their contact and leaves the list of them to HSDS.
FROM_HSDS = {("contact", "phones")}
FORMATS = {"uuids": "uuid", "uris": "uri", "emails": "email", "date-times": "date-time"}

pytestmark = pytest.mark.conformance


def fetch(address):
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError:
        raise
    except OSError as error:
        pytest.skip(f"{address} cannot be reached from here: {error}")


def resolved(schema, base):
    """A property's schema, with what it refers to beneath it."""
    if "$ref" not in schema:
        return schema
    address = urljoin(base, schema["$ref"])
    return {**resolved(fetch(address), address), **{k: v for k, v in schema.items() if k != "$ref"}}


@pytest.mark.parametrize("name", EXTRACT)
def test_the_extract_is_what_is_published(name):
    base = f"{PUBLISHED}{name}.json"
    published, extract = fetch(base), EXTRACT[name]
    assert sorted(published.get("required", [])) == sorted(extract["required"])
    properties = published["properties"]
    for kind, form in FORMATS.items():
        for each in extract.get(kind, ()):
            assert resolved(properties[each], base).get("format") == form, each
    for each, values in extract.get("enums", {}).items():
        assert resolved(properties[each], base)["enum"] == values
    for each in (*extract.get("lists", {}), *extract.get("objects", {})):
        assert each in properties or (name, each) in FROM_HSDS
