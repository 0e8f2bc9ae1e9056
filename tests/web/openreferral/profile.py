"""JSON Schemas from the extract of the published profile; lists may not nest what there is many of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

EXTRACT: dict[str, Any] = json.loads((Path(__file__).parent / "hsds-uk-3.0" / "profile.json").read_text())
_FORMATS = {"uuids": "uuid", "uris": "uri", "emails": "email", "date-times": "date-time", "strings": None}
_TYPES = {"numbers": "number", "integers": "integer", "booleans": "boolean"}
# In lists a service at a place carries its service too.
_IN_LISTS = {"service_at_location": {"service": "service"}}


def validator(name: str, *, listed: bool = False) -> Draft202012Validator:
    """What checks an object of the profile; `listed`: as an item of a list, with one-to-one fields only."""
    schemas = {each: _schema(each, listed=listed) for each in EXTRACT}
    schema = {"$defs": schemas, "$ref": f"#/$defs/{name}"}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _schema(name: str, *, listed: bool) -> dict[str, Any]:
    entry = EXTRACT[name]
    properties: dict[str, Any] = {}
    for kind, form in _FORMATS.items():
        for each in entry.get(kind, ()):
            properties[each] = {"type": "string", "minLength": 1, **({"format": form} if form else {})}
    for kind, type_ in _TYPES.items():
        properties |= {each: {"type": type_} for each in entry.get(kind, ())}
    properties |= {each: {"enum": values} for each, values in entry.get("enums", {}).items()}
    objects = {**entry.get("objects", {}), **_IN_LISTS.get(name, {})}
    properties |= {each: {"$ref": f"#/$defs/{inner}"} for each, inner in objects.items()}
    for each, inner in entry.get("lists", {}).items():
        properties[each] = (
            False if listed else {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/{inner}"}}
        )
    return {"type": "object", "properties": properties, "required": entry["required"]}
