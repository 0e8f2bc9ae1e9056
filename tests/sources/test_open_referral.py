"""A directory's feed fills the register: matched with what is there, asked about, all of it or nothing."""

import copy
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from mapservice.sources.open_referral import fetching, import_feed, read_decisions
from mapservice.sources.open_referral.fetching import Unreadable, read_services
from mapservice.sources.report import Report


def ident(word):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, word))


def place(word, name, postcode, longitude, latitude):
    return {
        "id": ident(f"at-{word}"),
        "location_id": ident(word),
        "location": {
            "id": ident(word), "location_type": "physical", "name": name,
            "longitude": longitude, "latitude": latitude,
            "addresses": [{
                "id": ident(f"address-{word}"), "address_1": "1 Some Street", "city": "London",
                "state_province": "London", "postal_code": postcode, "country": "GB",
                "address_type": "physical",
            }],
        },
    }  # fmt: skip


MONEY = {
    "id": ident("money"),
    "name": "Money advice",
    "status": "active",
    "description": "<p>Free advice &amp; a cup of tea</p>",
    "email": "not an address",
    "minimum_age": 18,
    "assured_date": "2026-03-01",
    "organization": {"id": ident("org"), "name": "Advice For All", "description": "Advises"},
    "service_at_locations": [place("lib", "Finsbury Libary", "EC1V 4NB", -0.10456, 51.52652)],
    "schedules": [{
        "id": ident("when"), "service_at_location_id": ident("at-lib"), "freq": "WEEKLY", "byday": "TU",
        "opens_at": "10:00", "closes_at": "13:00",
    }],
    "cost_options": [{"id": ident("cost"), "amount": 0}],
    "languages": [{"id": ident("so"), "code": "so", "name": "Somali"}],
    "contacts": [
        {"id": ident("who"), "name": "Desk", "phones": [{"id": ident("p"), "number": "02079460000"}]}
    ],
    "attributes": [{"id": ident("a"), "taxonomy_term": {
        "id": ident("debt"), "name": "Debt", "description": "Debt", "taxonomy": "Topics"}}],
}  # fmt: skip
STALL = {
    "id": ident("stall"),
    "name": "Advice stall",
    "status": "active",
    "organization": MONEY["organization"],
    "service_at_locations": [place("square", "The market stall", "N7 6LB", -0.1236, 51.5609)],
    "schedules": [{"id": ident("once"), "dtstart": "2027-02-03", "opens_at": "10:00", "closes_at": "12:00"}],
}


def nobody(question):
    return None


def quiet(done, total, what):
    return None


@pytest.fixture
def take(fresh_database, tmp_path):
    def run(services, decide=nobody, **more):
        path = tmp_path / "advice.json"
        path.write_text(json.dumps(services))
        return import_feed(
            fresh_database, str(path), "tester", decide=decide, progress=lambda *_: None, **more
        )

    return run


@pytest.fixture
def rows(fresh_database):
    def ask(query):
        with fresh_database.owner.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    return ask


def test_a_place_under_another_spelling_is_the_place_and_a_second_import_changes_nothing(take, rows):
    report = take([MONEY, STALL])
    assert report.ok, report.render()
    assert any("not an address" in warning and "left out" in warning for warning in report.warnings)
    published = rows(
        "SELECT place_id, place_kind, sessions, cost, phone, languages, terms, verified, confirmed_on::text"
        " FROM layers.services WHERE source LIKE 'Open Referral%' ORDER BY name DESC"
    )
    assert published[0] == (
        "finsbury-library", "assets", ["Tuesdays, 10am to 1pm"], "free", "020 7946 0000", ["Somali"],
        ["Debt"], False, "2026-03-01",
    )  # fmt: skip
    assert published[1][1:3] == ("pop-up", ["Wednesday 3 February 2027, 10am to 12 noon"])
    assert rows(f"SELECT id FROM register.services WHERE uuid = '{MONEY['id']}'") == [("money-advice",)]
    assert rows("SELECT description FROM register.services WHERE id = 'money-advice'") == [
        ("Free advice &amp; a cup of tea",)
    ]
    history = rows("SELECT count(*) FROM history.changes")
    again = take([MONEY, STALL])
    assert again.ok, again.render()
    assert again.changes == 0, again.render()
    assert rows("SELECT count(*) FROM history.changes") == history


def test_what_the_feed_changes_or_drops_is_changed(take, rows):
    assert take([MONEY]).ok
    changed = copy.deepcopy(MONEY)
    changed["name"] = "Money and debt advice"
    changed["languages"] = []
    assert take([changed]).ok
    assert rows("SELECT name, languages FROM layers.services WHERE service = 'money-advice'") == [
        ("Money and debt advice", [])
    ]


def test_an_unsure_match_asks_a_person_once(take, rows, tmp_path):
    unsure = copy.deepcopy(MONEY)
    unsure["service_at_locations"] = [place("hub", "Finsbury Lib Hub", "EC1V 4NB", -0.1030, 51.5270)]
    unsure["schedules"] = []
    review = tmp_path / "review.csv"
    before = rows("SELECT count(*) FROM history.changes")
    refused = take([unsure], review=review)
    assert not refused.ok
    assert "may be Finsbury Library (finsbury-library)" in refused.render()
    assert rows("SELECT count(*) FROM history.changes") == before
    filled = review.read_text().replace(f"{ident('hub')},,", f"{ident('hub')},finsbury-library,")
    review.write_text(filled)
    decided = read_decisions(review, Report("decisions"))
    assert decided == {("location", ident("hub")): "finsbury-library"}
    assert take([unsure], lambda question: decided.get((question.kind, question.external_id))).ok
    assert rows("SELECT place_id FROM layers.services WHERE service = 'money-advice'") == [
        ("finsbury-library",)
    ]
    assert take([unsure]).ok, "what was decided is remembered"


def test_another_organisation_of_the_same_id_is_left_alone(take, rows):
    assert take([MONEY]).ok
    first = "SELECT name, uuid::text, description FROM register.organisations WHERE id = 'advice-for-all'"
    assert rows(first) == [("Advice For All", ident("org"), "Advises")]
    second, third = copy.deepcopy(STALL), copy.deepcopy(STALL)
    second["organization"] = {"id": ident("second"), "name": "+ADVICE+ (for) [all]", "description": "Mine"}
    third |= {"id": ident("third"), "name": "Third", "service_at_locations": [], "schedules": []}
    third["organization"] = {"id": ident("org-3"), "name": "Advice, for: all!", "description": "Theirs"}
    report = take([MONEY, second, third], decide=lambda question: "new")
    assert report.ok, report.render()
    assert rows(first) == [("Advice For All", ident("org"), "Advises")]
    assert rows(
        "SELECT description, id LIKE 'advice-for-all-_%' FROM register.organisations"
        " WHERE description IN ('Mine', 'Theirs') ORDER BY 1"
    ) == [("Mine", True), ("Theirs", True)]


@pytest.mark.parametrize("name,asks", [("Somebody Else Entirely", True), ("Advice For Al", False)])
def test_a_shared_website_alone_is_a_question(take, name, asks):
    first, second = copy.deepcopy(MONEY), copy.deepcopy(STALL)
    first["organization"]["website"] = "https://example.org/groups"
    second["organization"] = {"id": ident("o2"), "name": name, "website": "https://example.org/groups/"}
    assert take([first]).ok
    report = take([first, second])
    assert report.ok is not asks
    assert ("may be Advice For All (advice-for-all)" in report.render()) is asks


def test_one_mistake_refuses_the_whole_feed(take, rows):
    broken = copy.deepcopy(STALL)
    del broken["name"]
    report = take([MONEY, broken, {**STALL, "status": "sleeping"}])
    assert not report.ok
    assert "service 2, name: must be there" in report.render()
    assert 'service 3, status "sleeping"' in report.render()
    assert rows("SELECT count(*) FROM register.services WHERE id = 'money-advice'") == [(0,)]


@pytest.mark.parametrize("content", ["", "[1]", "null", "{", '{"contents": 3}', '[{"id": {}}]', "[[]]"])
def test_what_is_no_feed_is_refused_in_words(fresh_database, tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    report = import_feed(fresh_database, str(path), "tester", decide=nobody, progress=lambda *_: None)
    assert not report.ok
    assert report.render()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "http://localhost:9/", "http://169.254.169.254/", "http://[::1]/",
     "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::a9fe:a9fe]/",
     "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://[ff0e::1]/"],
)  # fmt: skip
def test_only_the_public_internet_is_read(address):
    with pytest.raises(Unreadable, match="not an address of the public internet"):
        read_services(address, quiet)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x"])
def test_only_http_is_read(fresh_database, address):
    report = import_feed(fresh_database, address, "tester", decide=nobody, progress=lambda *_: None)
    assert "only http and https" in report.render()


class Feed(BaseHTTPRequestHandler):
    """Two services, one to a page; `said` is what a page says of pages."""

    services = (MONEY, STALL)
    said = ("total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty")
    more = None

    def do_GET(self):
        parts = urlsplit(self.path)
        names = parts.path.strip("/").split("/")
        if names == ["feed"]:
            answer = {"version": "HSDS-UK-3.0"}
        elif names == ["feed", "services"]:
            page = int(parse_qs(parts.query)["page"][0])
            some = self.services[page - 1 : page]
            every = {
                "total_items": 2, "total_pages": 2, "page_number": page, "size": 1, "first_page": page == 1,
                "last_page": page == 2, "empty": False,
            }  # fmt: skip
            answer = {key: every[key] for key in self.said} | (self.more or {})
            answer["contents"] = [{key: one[key] for key in ("id", "name", "status")} for one in some]
        else:
            answer = next(each for each in self.services if each["id"] == names[2])
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture
def feed():
    """A function that gives the address of a feed; what it is given changes how the feed speaks."""
    servers = []

    def make(**how):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Other", (Feed,), how))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/feed"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_live_feed_is_walked_page_by_page(fresh_database, feed):
    seen = []
    report = import_feed(
        fresh_database,
        feed(),
        "tester",
        decide=nobody,
        progress=lambda done, total, what: seen.append(what),
        private=True,
    )
    assert report.ok, report.render()
    assert report.created == 2
    assert {"pages", "services"} <= set(seen)


@pytest.mark.parametrize("said", [(), ("last_page",), ("total_items",), ("total_pages",)])
def test_a_feed_is_read_to_its_end_whatever_it_says_of_pages(feed, said):
    found = read_services(feed(said=said), quiet, private=True)
    assert [each["name"] for each in found] == ["Money advice", "Advice stall"]


@pytest.mark.parametrize("more", [{"total_items": 3}, {"total_items": 2, "total_pages": 1}])
def test_a_feed_that_lists_less_than_it_says_is_refused(feed, more):
    with pytest.raises(Unreadable, match=r"says it has \d services and lists \d"):
        read_services(feed(said=(), more=more), quiet, private=True)


def test_a_feed_takes_only_so_much_memory_and_time_in_all(feed, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST_IMPORT", 500)
    with pytest.raises(Unreadable, match="the feed is larger than"):
        read_services(feed(), quiet, private=True)
    monkeypatch.undo()

    def trickle(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(50):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    monkeypatch.setattr(fetching, "LONGEST_IMPORT_S", 0.2)
    with pytest.raises(Unreadable, match="took longer than"):
        read_services(feed(do_GET=trickle), quiet, private=True)
