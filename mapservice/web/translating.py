"""Keeps the catalogues in step with the code: `make translations`.

Reads every text out of templates, modules and scripts into ``messages.pot``, brings each ``<tag>.po`` up to
it, and says how far each has come. Nothing is compiled: the service reads the .po files themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from mapservice.analysis.standards import STANDARDS
from mapservice.register.vocabulary import ACCESS_FACTS, GREEN_SPACE_ACCESS, LAND_NOW, OWNER_KINDS
from mapservice.survey.submitting import CHANGED
from mapservice.web.languages import FOLDER, TEMPLATE

WEB = Path(__file__).parent
METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("frontend/js/**.js", "javascript"),
]
OPTIONS = {
    "templates/**.html": {
        "trimmed": "true",
        "silent": "false",
        "extensions": "mapservice.web.keeping.KeptParts",
    }
}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "english": None,
    "ngettext": (1, 2),
}
HEADER = "# Translations of the pages. Names of places and other data are never translated.\n#"


def extract() -> Catalog:
    """Every text of the pages that is handed to translators."""
    catalog = Catalog(project="mapservice", charset="utf-8", header_comment=HEADER)
    found = extract_from_dir(
        WEB,
        method_map=METHODS,
        options_map=OPTIONS,
        keywords=KEYWORDS,
        comment_tags=("For translators:",),
        strip_comment_tags=True,
        directory_filter=lambda folder: Path(folder).name not in ("node_modules", "static", "__pycache__"),
    )
    for file, _line, message, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        # Places are told by file, not by line: a line moved is no change for a translator.
        catalog.add(message, locations=[(file, 0)], auto_comments=comments, context=context)
    for room in ("accounts", "survey"):
        for file, _line, message, comments, context in sorted(
            extract_from_dir(WEB.parent / room, method_map=METHODS[:1], keywords={"english": None})
        ):
            catalog.add(message, locations=[(f"{room}/{file}", 0)], auto_comments=comments, context=context)
    for words in (ACCESS_FACTS, GREEN_SPACE_ACCESS, LAND_NOW, OWNER_KINDS):
        for title in words.values():
            catalog.add(title, locations=[("register/vocabulary.py", 0)])
    for title in CHANGED.values():
        catalog.add(title, locations=[("survey/submitting.py", 0)])
    for standard in STANDARDS:
        catalog.add(standard.title, locations=[("analysis/standards.py", 0)])
    return catalog


def update() -> Iterator[str]:
    """Write the template and every language's file anew; gives a line about each."""
    source = extract()
    _write(TEMPLATE, source)
    yield f"{TEMPLATE.name}: {len(source)} texts"
    for path in sorted(FOLDER.glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem.replace("-", "_"))
        catalog.update(source, no_fuzzy_matching=False)
        _write(path, catalog)
        done = sum(bool(message.id and message.string and not message.fuzzy) for message in catalog)
        wrong = [f"  {message.id!r}: {error}" for message, errors in catalog.check() for error in errors]
        yield "\n".join([f"{path.name}: {done} of {len(source)} translated", *wrong])


def _write(path: Path, catalog: Catalog) -> None:
    catalog.revision_date = catalog.creation_date  # the file changes only when what it says does
    with path.open("wb") as file:
        write_po(
            file, catalog, width=100, include_lineno=False, omit_header=path == TEMPLATE, sort_by_file=True
        )


if __name__ == "__main__":
    for line in update():
        sys.stdout.write(f"{line}\n")
