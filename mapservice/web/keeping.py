"""Parts of pages that many answers share: rendered once for each process, and kept under all that they show.

In a template, ``{% keep "place", feature.text, number %} … {% endkeep %}``. What stands between is rendered
where no part is known under the same values, in the same language and under the same address. All that it
shows has to be named, then: it is never looked at again. A key with an empty text in it is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from flask import request
from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from mapservice.web.languages import current_language

MOST_KEPT = 4096
"""A place in a list takes about one kilobyte, and is kept once for each way it is shown."""

Key = tuple[Hashable, ...]


class KeptParts(Extension):
    """The tag `keep`; each environment, and so each application, keeps its own."""

    tags = {"keep"}  # noqa: RUF012 - as Jinja declares it

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._kept: dict[Key, Markup] = {}

    def parse(self, parser: Parser) -> nodes.Node:
        """From the tag to its end, as a call that renders what is between only where it is not known."""
        line = next(parser.stream).lineno
        values = parser.parse_tuple()
        body = parser.parse_statements(("name:endkeep",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_part", [values]), [], [], body).set_lineno(line)

    def _part(self, values: Key, caller: Callable[[], Any]) -> Markup:
        if "" in values:
            return Markup(caller())  # noqa: S704 - a template's, with all values escaped
        key = (current_language().tag, request.script_root, *values)
        part = self._kept.get(key)
        if part is None:
            part = Markup(caller())  # noqa: S704 - a template's, with all values escaped
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = part
        return part
