"""Takes the HTML document that Folium renders apart, so that a strict content security policy can hold.

Folium writes scripts and styles into the page. A policy without ``unsafe-inline`` refuses both, so the
pieces are told apart here and served as files of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_ID = re.compile(r"\b[0-9a-f]{32}\b|(?<=_)[0-9a-f]{32}")
_HEAD = {"meta", "title", "html", "head", "body", "link"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What one Folium document is made of."""

    body: str
    script: str
    style: str
    script_urls: tuple[str, ...]
    style_urls: tuple[str, ...]


def take_apart(document: str) -> Parts:
    """Split a rendered Folium document into body, inline script, inline style and the files it links to.

    Folium names its elements at random; here they are numbered in order of appearance, so that every
    process that builds the same map serves the same bytes under the same name.
    """
    splitter = _Splitter()
    splitter.feed(_numbered(document))
    splitter.close()
    return Parts(
        body="".join(splitter.body).strip(),
        script="\n".join(_tidy(text) for text in splitter.scripts if text.strip()),
        style="\n".join(_tidy(text) for text in splitter.styles if text.strip()),
        script_urls=tuple(splitter.script_urls),
        style_urls=tuple(splitter.style_urls),
    )


def _numbered(document: str) -> str:
    numbers: dict[str, str] = {}
    return _ID.sub(lambda match: numbers.setdefault(match.group(), str(len(numbers) + 1)), document)


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


class _Splitter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.body: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.script_urls: list[str] = []
        self.style_urls: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script":
            if source := given.get("src"):
                self.script_urls.append(source)
                self._into = []
            else:
                self.scripts.append("")
                self._into = self.scripts
        elif tag == "style":
            self.styles.append("")
            self._into = self.styles
        elif tag == "link" and given.get("rel") == "stylesheet" and (href := given.get("href")):
            self.style_urls.append(href)
        elif tag not in _HEAD:
            self.body.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._into = None
        elif tag not in _HEAD:
            self.body.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._into is None:
            if data.strip():
                self.body.append(data)
        elif self._into:
            self._into[-1] += data
