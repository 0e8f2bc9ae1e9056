"""Whether a place is open, as people say it."""

from __future__ import annotations

from datetime import date, datetime

from mapservice.register.opening_hours import BANK_HOLIDAY, LONDON, Opening
from mapservice.web.languages import date_words, gettext, lazy_gettext

NOT_KNOWN = lazy_gettext("Opening hours not known: call first")


def opening_words(opening: Opening, now: datetime) -> str:
    """`Open now, until 5pm`, `Closed now. Opens tomorrow at 9:30am`, or that it is not known."""
    here = now.astimezone(LONDON)
    again = (
        " " + gettext("Opens %(moment)s.", moment=moment_words(opening.opens, here)) if opening.opens else ""
    )
    match opening.word:
        case "open":
            if opening.until is None:
                return gettext("Open now")
            return gettext("Open now, until %(moment)s", moment=until_words(opening.until, here))
        case "closed":
            return gettext("Closed now.") + (again or " " + gettext("Call first to ask when it opens."))
        case "season":
            return gettext("Closed for the season.") + (
                again or " " + gettext("Call first to ask when it opens.")
            )
        case "closure":
            return gettext("Closed for now: %(reason)s.", reason=opening.note) + (
                again or " " + gettext("We do not know until when: call first.")
            )
        case _ if opening.note == BANK_HOLIDAY:
            return gettext("It is a bank holiday, and hours today are not known: call first.") + again
        case _ if opening.note:
            return gettext("Call first: %(reason)s.", reason=opening.note) + again
        case _:
            return str(NOT_KNOWN)


def until_words(moment: datetime, here: datetime) -> str:
    """The same after "until": `5pm`, `midnight`, `Friday at noon`."""
    day, time = moment.date(), clock_words(moment.hour, moment.minute)
    away = (day - here.date()).days
    if away == 0:
        return time
    if away == 1:
        return moment_words(moment, here)
    return gettext("%(day)s at %(time)s", day=_day(day, here.date()), time=time)


def moment_words(moment: datetime | None, here: datetime) -> str:
    """`today at 5pm`, `tomorrow at 9:30am`, `on Friday at noon`, `on Tuesday 5 January at 9am`."""
    if moment is None:
        return ""
    day, time = moment.date(), clock_words(moment.hour, moment.minute)
    away = (day - here.date()).days
    if away == 0:
        return gettext("today at %(time)s", time=time)
    if away == 1:
        late = moment.hour or moment.minute
        return gettext("tomorrow at %(time)s", time=time) if late else gettext("midnight")
    return gettext("on %(day)s at %(time)s", day=_day(day, here.date()), time=time)


def _day(day: date, here: date) -> str:
    """`Friday`, and with its date where that is not the next one."""
    if (day - here).days < 7:
        return date_words(day, "EEEE")
    return date_words(day, "EEEE d MMMM" if day.year == here.year else "EEEE d MMMM y")


def clock_words(hour: int, minute: int) -> str:
    """`9:30am`, `noon`, `midnight`."""
    if (hour, minute) == (12, 0):
        return gettext("noon")
    if (hour % 24, minute) == (0, 0):
        return gettext("midnight")
    time = f"{hour % 12 or 12}{f':{minute:02d}' if minute else ''}"
    return gettext("%(time)sam", time=time) if hour % 24 < 12 else gettext("%(time)spm", time=time)
