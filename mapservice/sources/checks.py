"""Checks of single values. Each takes the text of a cell and returns the value in its one agreed form.

A value that cannot be right raises `Refused` with a reason written for the person who fills in the file.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from urllib.parse import urlsplit

from mapservice.register import opening_hours as hours

POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EMAIL = re.compile(r"[^@\s,;<>()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
SHORT_NUMBERS = ("999", "112", "111", "101", "105", "116123")
LONGEST_TEXT = 4000


class Refused(ValueError):
    """A value is refused; the message is the reason, without the value."""


def text(value: str) -> str:
    """Plain text: one line, no control characters, at most 4,000 characters."""
    if len(value) > LONGEST_TEXT:
        raise Refused(f"is longer than {LONGEST_TEXT} characters")
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") and character not in "\n\t":
            raise Refused(f"holds a control character (U+{ord(character):04X})")
    return unicodedata.normalize("NFC", " ".join(value.split()))


def slug(value: str) -> str:
    """An id such as `finsbury-library`: lower-case letters, digits and single hyphens."""
    if not SLUG.fullmatch(value):
        raise Refused("must be lower-case letters and digits with single hyphens, such as finsbury-library")
    return value


def slug_of(name: str) -> str:
    """The id that follows from a name: "St Mary's & St James'" becomes `st-marys-and-st-james`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = plain.lower().replace("'", "").replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def postcode(value: str) -> str:
    """A postcode in capitals with one space: `n19jp` becomes `N1 9JP`."""
    match = POSTCODE.fullmatch(re.sub(r"[\s.\-]+", "", value).upper())
    if not match:
        raise Refused("is not a postcode, such as N1 9JP")
    return f"{match[1]} {match[2]}"


def phone(value: str) -> str:
    """A UK telephone number as it is usually written: `02072720111` becomes `020 7272 0111`."""
    digits = re.sub(r"[\s().\-–]+", "", value)
    if re.search(r"[^0-9+]", digits):
        raise Refused("must hold one telephone number and nothing else; put remarks in the note")
    digits = re.sub(r"^(\+44|0044)0?", "0", digits)
    if digits in SHORT_NUMBERS:
        return digits if len(digits) == 3 else f"{digits[:3]} {digits[3:]}"
    if len(digits) in (9, 10) and not digits.startswith(("0", "+")):
        raise Refused("must begin with 0 (spreadsheets drop it: keep the column as text)")
    if not re.fullmatch(r"0[1-9][0-9]{8,9}", digits):
        raise Refused("is not a UK telephone number, such as 020 7527 2000")
    if digits.startswith("02"):
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    if digits.startswith(("03", "05", "08", "09")) or re.match(r"01(1[0-9]|[0-9]1)", digits):
        return f"{digits[:4]} {digits[4:7]} {digits[7:]}"
    return f"{digits[:5]} {digits[5:]}"


def email(value: str) -> str:
    """An e-mail address, its spelling kept."""
    if not EMAIL.fullmatch(value) or ".." in value:
        raise Refused("is not an e-mail address, such as name@example.org")
    return value


def url(value: str) -> str:
    """An absolute web address that begins with http:// or https://."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as error:
        raise Refused(f"is not a web address ({error})") from error
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s<>\"]", value):
        raise Refused("must be a web address that begins with https:// or http://")
    return value


def any_day(value: str) -> date:
    """A day, be it to come, written YYYY-MM-DD."""
    try:
        day = date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) else None
    except ValueError as error:
        raise Refused(f"is not a day of the calendar ({error})") from error
    if day is None:
        raise Refused("must be a date written YYYY-MM-DD, such as 2025-09-30")
    return day


def iso_date(value: str) -> date:
    """A day up to today, written YYYY-MM-DD."""
    day = any_day(value)
    if day > date.today():
        raise Refused("lies in the future")
    return day


def yes_no(value: str) -> bool:
    """yes or no; true, false, 1 and 0 are understood."""
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    answer = answers.get(value.lower())
    if answer is None:
        raise Refused("must be yes or no")
    return answer


def number(value: str) -> float:
    """A finite number with a point for its decimals."""
    try:
        result = float(value)
    except ValueError as error:
        hint = " (use a point, not a comma)" if "," in value else ""
        raise Refused(f"is not a number{hint}") from error
    if not math.isfinite(result) or "_" in value:
        raise Refused("is not a number")
    return result


def whole_number(value: str) -> int:
    """A whole number."""
    result = number(value)
    if result != int(result) or abs(result) > 1_000_000_000:
        raise Refused("must be a whole number")
    return int(result)


def count(value: str) -> int:
    """A whole number that is not negative."""
    result = whole_number(value)
    if result < 0:
        raise Refused("must not be negative")
    return result


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word, or the empty string."""
    close = difflib.get_close_matches(value.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def one_of(known: Iterable[str], what: str = "") -> Callable[[str], str]:
    """A check that a value is one of `known`; the reason suggests the nearest, or lists a short choice."""
    choice = sorted(set(known))

    def check(value: str) -> str:
        if value in choice:
            return value
        hint = did_you_mean(value, choice)
        listed = f" (one of {', '.join(choice)})" if not hint and 0 < len(choice) <= 20 else ""
        raise Refused(f"is not a known {what}{hint}{listed}" if what else f"is not known{hint}{listed}")

    return check


def opening_hours(value: str) -> str:
    """Opening hours such as `Mo-Fr 09:00-17:00; Sa 10:00-13:00; PH off`, kept as written."""
    try:
        return hours.check(value)
    except hours.WrongHours as error:
        raise Refused(str(error)) from error


def some_of(known: Iterable[str], what: str = "") -> Callable[[str], list[str]]:
    """A check of a list separated by semicolons; each part once, in the order given."""
    check = one_of(known, what)

    def check_all(value: str) -> list[str]:
        parts = [part.strip() for part in value.split(";") if part.strip()]
        for part in parts:
            try:
                check(part)
            except Refused as error:
                raise Refused(f'"{part}" {error}') from error
        if not parts:
            raise Refused("names nothing")
        return list(dict.fromkeys(parts))

    return check_all
