"""A first check of opening hours in OpenStreetMap's syntax: enough to catch slips, not to evaluate them."""

from __future__ import annotations

import re

from mapservice.sources.checks import Refused

_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)"
_DAYS = rf"{_DAY}(?:\[-?[1-5]\])?(?:-{_DAY})?(?:,\s?{_DAY}(?:\[-?[1-5]\])?(?:-{_DAY})?)*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MONTH_DAY = rf"{_MONTH}(?: \d{{1,2}})?"
_MONTHS = (
    rf"{_MONTH_DAY}(?:-(?:{_MONTH_DAY}|\d{{1,2}}))?(?:,\s?{_MONTH_DAY}(?:-(?:{_MONTH_DAY}|\d{{1,2}}))?)*"
)
_TIME = r"(?:\d{1,2}:\d{2}|sunrise|sunset|dawn|dusk)"
_SPAN = rf"{_TIME}-{_TIME}"
_STATE = r"(?:off|closed|open|unknown)"
_COMMENT = r'"[^"]*"'
RULE = re.compile(
    rf"(?:(?P<months>{_MONTHS}):?\s?)?(?:(?P<days>{_DAYS})\s?)?(?P<times>{_SPAN}(?:,\s?{_SPAN})*)?"
    rf"(?:\s?(?P<state>{_STATE}))?(?:\s?(?P<comment>{_COMMENT}))?"
)


def opening_hours(value: str) -> str:
    """Opening hours such as `Mo-Fr 09:00-17:00; Sa 10:00-13:00; PH off`, kept as written."""
    if value == "24/7":
        return value
    for part in re.split(r";(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", value):
        rule = RULE.fullmatch(part.strip())
        if not part.strip() or not rule or not any(rule.group("times", "state", "comment")):
            raise Refused(
                f'is not opening hours as OpenStreetMap writes them at "{part.strip()}"; '
                "an example: Mo-Fr 09:00-17:00; Sa 10:00-13:00; PH off"
            )
        for hour, minute in re.findall(r"(\d{1,2}):(\d{2})", rule["times"] or ""):
            # 26:00 is OSM's way to say two in the morning of the next day.
            if int(minute) > 59 or int(hour) * 60 + int(minute) > 26 * 60:
                raise Refused(f"holds a time that does not exist: {hour}:{minute}")
        for start, end in re.findall(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})", rule["times"] or ""):
            if start == end:
                raise Refused(f"holds a span without length: {start}-{end}")
    return value
