"""Sessions as an iCalendar feed (RFC 5545): a repeating session is one event with its rule."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from icalendar import Calendar, Event

from mapservice.services.occurrences import LONDON, Session
from mapservice.services.offers import Offer

REFRESH = timedelta(hours=12)


def calendar_of(title: str, site: str, found: list[Offer], sessions: list[Session]) -> bytes:
    """The calendar of some offers' sessions."""
    calendar = Calendar()
    calendar.add("prodid", "-//mapservice//services//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    offers = {offer.id: offer for offer in found}
    for session in sessions:
        event = _event(session, offers[session.at], site)
        if event is not None:
            calendar.add_component(event)
    if calendar.subcomponents:
        calendar.add_missing_timezones()
    body: bytes = calendar.to_ical()
    return body


def _event(session: Session, offer: Offer, site: str) -> Event | None:
    first = session.first_occurrence()
    if first is None:
        return None
    event = Event()
    # The same session at another place is another event.
    event.add("uid", f"{session.uuid}.{offer.id}")
    event.add("dtstamp", session.updated_at.astimezone(UTC))
    event.add("last-modified", session.updated_at.astimezone(UTC))
    event.add("summary", offer.name)
    if session.opens_at is None:
        event.add("dtstart", first)
    else:
        event.add("dtstart", datetime.combine(first, session.opens_at, LONDON))
        if session.closes_at is not None:
            event.add("dtend", datetime.combine(first, session.closes_at, LONDON))
    if session.freq is not None:
        event.add("rrule", _rule(session))
    for day in session.except_on:
        event.add("exdate", datetime.combine(day, session.opens_at, LONDON) if session.opens_at else day)
    where = ", ".join(part for part in (offer.place, offer.address, offer.postcode) if part)
    event.add("location", where)
    words = [offer.description, session.description, offer.alert, offer.eligibility, offer.cost]
    event.add("description", "\n".join(part for part in words if part))
    event.add("categories", offer.needs)
    if offer.place_kind != "pop-up":
        event.add("url", f"{site}/{offer.place_kind}/{offer.place_id}")
    event.add("status", "CONFIRMED" if offer.status == "active" else "CANCELLED")
    return event


def _rule(session: Session) -> dict[str, object]:
    rule: dict[str, object] = {"freq": session.freq}
    if session.interval != 1:
        rule["interval"] = session.interval
    if session.byday:
        rule["byday"] = session.byday.split(",")
    if session.bymonthday:
        rule["bymonthday"] = [int(day) for day in session.bymonthday.split(",")]
    if session.bymonth:
        rule["bymonth"] = session.bymonth
    if session.valid_to:
        # Of an event with a time UNTIL is an instant; of one without, a day.
        last = datetime.combine(session.valid_to, time.max.replace(microsecond=0), LONDON).astimezone(UTC)
        rule["until"] = last if session.opens_at else session.valid_to
    return rule
