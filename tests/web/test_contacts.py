"""A corrected telephone number reaches the pages; with the database away the last good one still shows."""

import pytest
from sqlalchemy import text

from mapservice.register.borough import BoroughFileError, read_borough
from mapservice.web import contacts


def test_a_number_corrected_in_the_register_is_on_every_page(client, database, monkeypatch):
    monkeypatch.setattr(contacts, "HOLDS_S", 0.0)
    assert "020 7527 2000" in client.get("/").text
    change = text("UPDATE register.contact_points SET value = :n WHERE id = 'access-islington'")
    with database.session("tests") as session:
        session.execute(change, {"n": "020 7946 0000"})
    try:
        client.get("/")
        assert "020 7946 0000" in client.get("/").text
        assert "020 7946 0000" in client.get("/nowhere").text
    finally:
        with database.session("tests") as session:
            session.execute(change, {"n": "020 7527 2000"})


def test_while_the_database_is_away_the_shipped_number_shows(settings, tmp_path):
    class Away:
        def reading(self):
            from sqlalchemy.exc import OperationalError

            raise OperationalError("SELECT", {}, Exception("away"))

    shipped = contacts.read_shipped(settings.geodata_dir)
    book = contacts.ContactBook(Away(), read_borough(settings.geodata_dir), shipped)
    assert book.last_resort.value == "020 7527 2000"
    assert book.for_need("family")


def test_a_borough_without_its_last_resort_does_not_start(settings):
    shipped = [c for c in contacts.read_shipped(settings.geodata_dir) if c.id != "access-islington"]
    with pytest.raises(BoroughFileError, match="last_resort_contact"):
        contacts.ContactBook(None, read_borough(settings.geodata_dir), tuple(shipped))


def test_a_byte_order_mark_is_no_obstacle(settings, tmp_path):
    raw = (settings.geodata_dir / "contacts.csv").read_bytes()
    (tmp_path / "contacts.csv").write_bytes(b"\xef\xbb\xbf" + raw)
    assert contacts.read_shipped(tmp_path) == contacts.read_shipped(settings.geodata_dir)
