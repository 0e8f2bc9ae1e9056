"""Parts of pages that many answers share: rendered once for each process, and kept under all that they show.

In a template, ``{% keep "place", feature.text, number %} … {% endkeep %}``. What stands between is rendered
where no part is known under the same values, in the same language and under the same address. All that it
shows has to be named, then: it is never looked at again. A key with an empty text in it is not kept.
`mapservice.web.cards` keeps in the same store what has a hole in it for each page to fill.
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


class Store:
    """What was rendered, by all that it shows. Once full it begins anew; without room it keeps nothing."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self._kept: dict[Key, Any] = {}

    def get(self, key: Key) -> Any:
        """What is kept under a key; None for nothing."""
        return self._kept.get(key) if self.most else None

    def put(self, key: Key, rendered: Any) -> None:
        if not self.most:
            return
        if len(self._kept) >= self.most:
            self._kept.clear()
        self._kept[key] = rendered


class KeptParts(Extension):
    """The tag `keep`; each environment, and so each application, keeps its own, as `kept_parts`."""

    tags = {"keep"}  # noqa: RUF012 - as Jinja declares it

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._store = Store()
        environment.extend(kept_parts=self._store)

    def parse(self, parser: Parser) -> nodes.Node:
        """From the tag to its end, as a call that renders what is between only where it is not known."""
        line = next(parser.stream).lineno
        values = parser.parse_tuple()
        body = parser.parse_statements(("name:endkeep",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_part", [values]), [], [], body).set_lineno(line)

    def _part(self, values: Key, caller: Callable[[], Any]) -> Markup:
        if "" in values:
            return Markup(caller())  # noqa: S704 - a template's, with all values escaped
        key = (*where(), *values)
        part: Markup | None = self._store.get(key)
        if part is None:
            part = Markup(caller())  # noqa: S704 - a template's, with all values escaped
            self._store.put(key, part)
        return part


def where() -> tuple[str, str]:
    """What every part depends on: the language of the page, and the address the service is mounted under."""
    return current_language().tag, request.script_root
