"""Whether a place is open, as people say it."""

from __future__ import annotations

from datetime import datetime

from mapservice.register.opening_hours import BANK_HOLIDAY, LONDON, Opening

NOT_KNOWN = "Opening hours not known: call first"


def opening_words(opening: Opening, now: datetime) -> str:
    """`Open now, until 5pm`, `Closed now. Opens tomorrow at 9:30am`, or that it is not known."""
    here = now.astimezone(LONDON)
    again = f" Opens {moment_words(opening.opens, here)}." if opening.opens else ""
    match opening.word:
        case "open":
            until = moment_words(opening.until, here).removeprefix("today at ").removeprefix("on ")
            return f"Open now, until {until}" if until else "Open now"
        case "closed":
            return f"Closed now.{again or ' Call first to ask when it opens.'}"
        case "season":
            return f"Closed for the season.{again or ' Call first to ask when it opens.'}"
        case "closure":
            return f"Closed for now: {opening.note}.{again or ' We do not know until when: call first.'}"
        case _ if opening.note == BANK_HOLIDAY:
            return f"It is a bank holiday, and hours today are not known: call first.{again}"
        case _ if opening.note:
            return f"Call first: {opening.note}.{again}"
        case _:
            return NOT_KNOWN


def moment_words(moment: datetime | None, here: datetime) -> str:
    """`today at 5pm`, `tomorrow at 9:30am`, `on Friday at noon`, `on Tuesday 5 January at 9am`."""
    if moment is None:
        return ""
    day, time = moment.date(), clock_words(moment.hour, moment.minute)
    away = (day - here.date()).days
    if away == 0:
        return f"today at {time}"
    if away == 1:
        return f"tomorrow at {time}" if moment.hour or moment.minute else "midnight"
    if away < 7:
        return f"on {moment:%A} at {time}"
    year = f" {day.year}" if day.year != here.year else ""
    return f"on {moment:%A} {day.day} {moment:%B}{year} at {time}"


def clock_words(hour: int, minute: int) -> str:
    """`9:30am`, `noon`, `midnight`."""
    if (hour, minute) == (12, 0):
        return "noon"
    if (hour % 24, minute) == (0, 0):
        return "midnight"
    return f"{hour % 12 or 12}{f':{minute:02d}' if minute else ''}{'am' if hour % 24 < 12 else 'pm'}"
