"""In which language a page answers: chosen by `?lang=`, by the cookie that remembers it, or by the browser.

A language is one file, ``mapservice/translations/<tag>.po``; English is the text in the code itself. Two
made-up languages, for development, show what escapes translation and what does not fit. Pages of the API
stay English, as do names of places and whatever else is data.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlencode

import flask_babel
from babel import Locale, UnknownLocaleError, support
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from flask import Blueprint, Flask, Response, abort, current_app, g, has_request_context, request, url_for
from flask_babel.speaklater import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from mapservice.web.pseudo import PSEUDO_LETTERS, pseudo_catalog
from mapservice.web.security import ONE_YEAR

log = logging.getLogger(__name__)
blueprint = Blueprint("languages", __name__)

FOLDER = Path(__file__).resolve().parents[1] / "translations"
TEMPLATE = FOLDER / "messages.pot"
COOKIE = "lang"
ONE_YEAR_S = 31_536_000
SCRIPTS = ".js"
PLACE = re.compile(r"%\((\w+)\)[sd]")


@dataclass(frozen=True, slots=True)
class Language:
    """A language pages can be had in. `script` gives the same words to the pages' scripts."""

    tag: str
    name: str
    locale: Locale
    translations: support.NullTranslations
    script: str = ""

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    @property
    def script_name(self) -> str:
        """What the script is served as: with its hash, so that it can be kept for ever."""
        return f"{self.tag}-{hashlib.sha256(self.script.encode()).hexdigest()[:12]}.js"


ENGLISH = Language("en", "English", Locale("en", "GB"), support.NullTranslations())


def init_languages(app: Flask, *, pseudo: bool = False) -> None:
    """Give the app its languages; with `pseudo` the two made-up ones as well."""
    offered = {language.tag: language for language in _languages(pseudo)}
    app.extensions["languages"] = offered
    babel = flask_babel.Babel()
    babel.init_app(app, locale_selector=lambda: current_language().locale)
    babel.domain_instance = _OwnDomain()
    # A page says a hundred texts: Flask-Babel's own way to each is five times as long.
    app.jinja_env.install_gettext_callables(gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    # `_` would look `gettext` up in the page each time.
    app.jinja_env.globals.update(gettext=_gettext_of_page, ngettext=_ngettext_of_page, _=_gettext_of_page)
    app.jinja_env.globals.update(
        language=current_language, languages=tuple(offered.values()), in_language=in_language
    )
    app.register_blueprint(blueprint)

    @app.after_request
    def tell(response: Response) -> Response:
        if response.mimetype != "text/html":
            return response
        response.content_language.add(current_language().tag)
        if len(offered) > 1 and not _speaks_english_only():
            response.vary.update(("Accept-Language", "Cookie"))
            chosen = request.args.get(COOKIE, "")
            if chosen in offered and chosen != request.cookies.get(COOKIE):
                response.set_cookie(
                    COOKIE,
                    chosen,
                    max_age=ONE_YEAR_S,
                    samesite="Lax",
                    secure=request.is_secure,
                    httponly=True,
                )
        return response


def current_language() -> Language:
    """The language of the answer to this request; English where there is none."""
    # A page asks two hundred times: so what `g` stands for is found once, and not for each of its names.
    try:
        kept = g._get_current_object()
    except RuntimeError:
        return ENGLISH
    found: Language | None = kept.get("language")
    if found is None:
        if not has_request_context():
            return ENGLISH
        found = kept.language = _chosen()
    return found


def gettext(text: str, **values: object) -> str:
    """A text in the language of the page, its %(named)s places filled in."""
    said = str(current_language().translations.gettext(text))
    return _filled(said, text, values) if values else said


def _ngettext(one: str, many: str, count: int) -> str:
    return str(current_language().translations.ngettext(one, many, count))


# All that these need of the page is whether it is markup: for its context Jinja would copy all variables at
# each call in a block.
@pass_eval_context
def _gettext_of_page(page: EvalContext, text: str, /, **values: object) -> str:
    """Jinja's new style, in which every text is a format; but one that does not fit is said in English."""
    translations = current_language().translations
    if not values:
        return _said_of_page(translations, text, page.autoescape)
    return _filled(str(translations.gettext(text)), text, values, markup=page.autoescape)


@lru_cache(maxsize=8192)
def _said_of_page(translations: support.NullTranslations, text: str, markup: bool) -> str:
    return _filled(str(translations.gettext(text)), text, {}, markup=markup)


@pass_eval_context
def _ngettext_of_page(page: EvalContext, one: str, many: str, num: int, /, **values: object) -> str:
    given = {"num": num, **values}
    return _filled(_ngettext(one, many, num), one if num == 1 else many, given, markup=page.autoescape)


def _filled(said: str, english: str, values: Mapping[str, object], *, markup: bool = False) -> str:
    kind = Markup if markup else str
    try:
        return kind(said) % values
    except (KeyError, TypeError, ValueError):
        log.warning("%s: %r does not fit %r", current_language().tag, said, english)
        return kind(english) % values


def lazy_gettext(text: str, **values: object) -> str:
    """The same for what is written down before anybody asks: it becomes text each time it is shown."""
    return cast(str, LazyString(gettext, text, **values))


def date_words(day: date, pattern: str) -> str:
    """A day as people of the language write it: `long`, or a pattern of the Unicode locale data."""
    whole = day.date() if isinstance(day, datetime) else day
    return _date_words(whole, pattern, current_language().locale)


@lru_cache(maxsize=1024)
def _date_words(day: date, pattern: str, locale: Locale) -> str:
    return str(format_date(day, pattern, locale=locale))


def in_language(tag: str) -> str:
    """The address of this page in another language."""
    others = [(name, value) for name, value in request.args.items(multi=True) if name != COOKIE]
    return f"{request.path}?{urlencode([*others, (COOKIE, tag)])}"


@blueprint.get("/languages/<name>")
def words(name: str) -> Response:
    """What the scripts of pages say, in one language."""
    offered: dict[str, Language] = current_app.extensions["languages"]
    language = offered.get(name.rpartition("-")[0])
    if language is None or not language.script or name != language.script_name:
        abort(404)
    response = Response(language.script, mimetype="text/javascript")
    response.headers["Cache-Control"] = ONE_YEAR
    return response


def script_address() -> str:
    """Where this page's scripts find their words; empty for English, whose words they have."""
    language = current_language()
    return url_for("languages.words", name=language.script_name) if language.script else ""


class _OwnDomain(flask_babel.Domain):  # type: ignore[misc]
    """Flask-Babel's catalogue is the language's own: made from its .po file, with nothing to compile."""

    def get_translations(self) -> support.NullTranslations:
        return current_language().translations


def _speaks_english_only() -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _chosen() -> Language:
    offered: dict[str, Language] = current_app.extensions["languages"]
    if _speaks_english_only():
        return ENGLISH
    for asked in (request.args.get(COOKIE), request.cookies.get(COOKIE)):
        if asked in offered:
            return offered[asked]
    # A made-up language is nobody's first: it is only ever asked for by name.
    real = [tag for tag, language in offered.items() if "-X" not in language.tag]
    return offered[request.accept_languages.best_match(real, default="en") or "en"]


def _languages(pseudo: bool) -> Iterator[Language]:
    yield ENGLISH
    for path in sorted(FOLDER.glob("*.po")):
        try:
            yield _language(path.stem, _read(path))
        except (PoFileError, UnknownLocaleError, ValueError) as error:
            log.warning("%s is not offered: %s", path.name, error)
    if pseudo:
        source = _read(TEMPLATE)
        for tag in PSEUDO_LETTERS:
            yield _language(tag, pseudo_catalog(source, tag))


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return _fitting(read_po(file, abort_invalid=True), path.name)


def _fitting(catalog: Catalog, name: str) -> Catalog:
    """Without the messages that could not be filled in: they would take every page down that says them."""
    for message in [*catalog]:
        texts = [message.id] if isinstance(message.id, str) else [*message.id]
        strings = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        if not all(texts) or not any(strings):
            continue
        # Of several forms one may leave the number out: "a place", "%(num)s places".
        most = set.union(*map(_places, texts))
        least = set.intersection(*map(_places, texts)) - ({"num", "count"} if len(texts) > 1 else set())
        if not all(least <= _places(each) <= most and _can_be_filled(each) for each in filter(None, strings)):
            log.warning(
                "%s: %r is left in English: its placeholders are not those of %r", name, strings, texts
            )
            catalog.delete(message.id, message.context)
    return catalog


def _places(text: str) -> set[str]:
    """What a program fills in, as it is written: `%(day)s`."""
    return set(PLACE.findall(text))


def _can_be_filled(text: str) -> bool:
    """Whether what is left without places and `%%` has no sign that begins one."""
    return "%" not in PLACE.sub("", text).replace("%%", "")


def _language(tag: str, catalog: Catalog) -> Language:
    pseudo = tag in PSEUDO_LETTERS
    locale = Locale.parse(tag.partition("-")[0] if pseudo else tag, sep="-")
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    name = (locale.get_display_name(locale) or tag).capitalize()
    return Language(
        tag=tag,
        name=tag if pseudo else name,
        locale=locale,
        translations=support.Translations(fp=compiled),
        script=_script(tag, catalog),
    )


def _script(tag: str, catalog: Catalog) -> str:
    """The words that come from a script, as a script that stands before it."""
    said = {}
    for message in catalog:
        if not any(path.endswith(SCRIPTS) for path, _ in message.locations) or message.fuzzy:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if key and forms and all(forms):
            said[key] = forms
    return f"window.mapserviceWords = {json.dumps({'language': tag, 'said': said})};\n"
