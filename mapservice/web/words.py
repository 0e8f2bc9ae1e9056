"""The register's codes and figures in words that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from mapservice.register.opening_hours import LONDON
from mapservice.saying import Said
from mapservice.web.asking import NEED_WORDS
from mapservice.web.languages import current_language, date_words, gettext, lazy_gettext
from mapservice.web.opening_words import clock_words

_DAYS = {
    "Mo": lazy_gettext("Monday"),
    "Tu": lazy_gettext("Tuesday"),
    "We": lazy_gettext("Wednesday"),
    "Th": lazy_gettext("Thursday"),
    "Fr": lazy_gettext("Friday"),
    "Sa": lazy_gettext("Saturday"),
    "Su": lazy_gettext("Sunday"),
    "PH": lazy_gettext("Bank holidays"),
}
_RULE = re.compile(r"^((?:Mo|Tu|We|Th|Fr|Sa|Su|PH)(?:[,-](?:Mo|Tu|We|Th|Fr|Sa|Su|PH))*)\s+(.+)$")
_NUMBER = re.compile(r"\b(?:0\d{2,4} \d{3,4} ?\d{3,4}|999|111)\b")
_TIMES = re.compile(r"^\d\d:\d\d-\d\d:\d\d(?:,\s*\d\d:\d\d-\d\d:\d\d)*$")

ACCESS = {
    "open-to-all": lazy_gettext("Open to everyone"),
    "restricted-hours": lazy_gettext("Open to everyone at certain times"),
    "members-or-residents": lazy_gettext("Members or residents only"),
    "no-access": lazy_gettext("Not open to the public"),
    "unknown": lazy_gettext("Not known who may go in"),
}
STAGES = {
    "suggested": lazy_gettext("Suggested"),
    "checked-on-site": lazy_gettext("Checked on site"),
    "owner-contacted": lazy_gettext("Owner contacted"),
    "plan": lazy_gettext("Plan being made"),
    "opened": lazy_gettext("Opened"),
    "declined": lazy_gettext("Declined"),
}
UNCONFIRMED = "Not confirmed."
"""How a note on going in ends that nobody had checked when it was written."""


def in_words(said: object) -> str:
    """What another room says, or why it refused, in the language of the page."""
    text = said.args[0] if isinstance(said, Exception) and said.args else said
    if not isinstance(text, Said):
        return str(text)
    values = {
        name: in_words(value) if isinstance(value, Said) else value for name, value in text.values.items()
    }
    return gettext(text.text, **values)


def words(code: str | None) -> str:
    """``community-garden`` as ``Community garden``; empty for nothing."""
    text = (code or "").replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def access_words(code: str | None) -> str:
    """Who may use a green space, as a sentence."""
    return str(ACCESS.get(code or "unknown", words(code)))


def access_note_words(facts: Mapping[str, Any]) -> str:
    """The note on going into a green space. That nobody confirmed it gives way to what was confirmed since.

    Who confirms a space says who may go in: not that every word of the note holds, so neither does this.
    """
    note, day = str(facts.get("access_note") or ""), facts.get("confirmed_on")
    if not day or not note.endswith(UNCONFIRMED):
        return note
    since = gettext("Who may go in was checked on %(day)s; these words were not.", day=day_words(day))
    return f"{without_unconfirmed(note)} {since}".strip()


def without_unconfirmed(note: str | None) -> str:
    """A note without the words that nobody confirmed it; the same where it has none."""
    return (note or "").removesuffix(UNCONFIRMED).rstrip()


def stage_words(code: str | None) -> str:
    """How far a potential green space has come."""
    return str(STAGES.get(code or "", words(code)))


def hours_lines(opening_hours: str | None) -> list[tuple[str, str]]:
    """OpenStreetMap opening hours as (days, times) in words, one pair per rule.

    A rule this simple reading does not cover is given as it stands under an empty day, never left out.
    """
    lines = []
    for rule in (opening_hours or "").split(";"):
        text = rule.strip()
        if not text:
            continue
        if text == "24/7":
            lines.append((gettext("Every day"), gettext("all day and night")))
            continue
        match = _RULE.match(text)
        if match is None:
            lines.append(("", text))
            continue
        days, times = match.groups()
        lines.append((_days(days), _times(times)))
    return lines


def hours_grouped(opening_hours: str | None) -> list[tuple[str, str]]:
    """The same with days of equal times put together, for one line in a list."""
    return _grouped(current_language().tag, opening_hours) if opening_hours else []


@lru_cache(maxsize=2048)
def _grouped(_language: str, opening_hours: str) -> list[tuple[str, str]]:
    """A page names a score of places, the same again and again: their hours are put into words once."""
    grouped: dict[str, list[str]] = {}
    for days, times in hours_lines(opening_hours):
        grouped.setdefault(times, []).append(days)
    return [(listed([day for day in days if day]), times) for times, days in grouped.items()]


def listed(parts: list[str]) -> str:
    """``["work", "money", "food"]`` as ``work, money and food``."""
    if len(parts) < 2:
        return "".join(parts)
    return gettext("%(first)s and %(last)s", first=", ".join(parts[:-1]), last=parts[-1])


def need_words(needs: list[str] | None) -> list[str]:
    """Dimensions of support, each as in "help with …"."""
    return [str(NEED_WORDS.get(need, need)) for need in needs or ()]


def _days(text: str) -> str:
    parts = []
    for part in text.split(","):
        first, dash, last = (str(_DAYS.get(day, day)) for day in part.partition("-"))
        parts.append(gettext("%(first)s to %(last)s", first=first, last=last) if dash else first)
    return ", ".join(parts)


def _times(text: str) -> str:
    if text in ("off", "closed"):
        return gettext("closed")
    if not _TIMES.match(text):
        return text
    spans = []
    for part in text.split(","):
        first, last = (_clock(end) for end in part.strip().split("-"))
        spans.append(gettext("%(first)s to %(last)s", first=first, last=last))
    return listed(spans)


def _clock(time: str) -> str:
    hour, minute = (int(part) for part in time.split(":"))
    return clock_words(hour, minute)


def ring_first(facts: Mapping[str, Any]) -> bool:
    """Whether a note stands where opening hours would: nobody should set out for it without ringing."""
    return bool(facts.get("opening_note")) and not facts.get("opening_hours")


def distance_words(metres: float | None) -> str:
    """A distance as people say it: to 10 m when near, to 0.1 km or miles further off."""
    if metres is None:
        return ""
    if metres < 1000:
        return gettext("%(count)s metres", count=max(10, round(metres / 10) * 10))
    far, miles = f"{metres / 1000:.1f}", f"{metres / 1609.344:.1f}"
    return gettext("%(km)s km (%(miles)s miles)", km=far, miles=miles)


def area_words(hectares: float | None) -> str:
    """An area: hectares, or square metres when small."""
    if hectares is None:
        return ""
    if hectares < 0.1:
        return f"{round(hectares * 10_000 / 10) * 10:,} m²"
    size = f"{hectares:.2f}" if hectares < 10 else f"{hectares:.1f}"
    return gettext("%(size)s hectares", size=size)


def day_words(value: date | str | None) -> str:
    """``2024-05-31`` as ``31 May 2024``, an instant as its day in London; anything else as it stands."""
    if not value:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON).date()
    try:
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return date_words(day, "long")


def telephone_link(number: Any) -> str:
    """``020 7527 2000`` as the target of a ``tel:`` link."""
    return "tel:" + re.sub(r"[^0-9+]", "", str(number))


def with_telephone_links(text: str | None) -> Markup:
    """A sentence as HTML, each telephone number in it a link to ring it."""
    escaped = str(escape(text or ""))
    linked = _NUMBER.sub(_linked, escaped)
    return Markup(linked)  # noqa: S704 - escaped above; the links are made by us


def _linked(number: re.Match[str]) -> str:
    said = number.group()
    return f'<a class="govuk-link app-phone" dir="ltr" href="{telephone_link(said)}">{said}</a>'
