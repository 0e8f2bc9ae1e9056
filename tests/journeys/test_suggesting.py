"""On a walk with a phone: a space is suggested by touch and by GPS, with and without signal, never twice."""

import json
import re
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect

from mapservice.accounts import people
from mapservice.accounts.permissions import parse_grants
from tests.journeys.test_signing_in import PASSWORD, sign_in
from tests.journeys.visitor import PHONE, visit
from tests.web.survey.test_suggesting import photograph
from tests.web.survey.test_waiting import square

pytestmark = pytest.mark.browser

FORM = "/green-spaces/suggest"
WITHIN_THE_FIELDS = square(-0.1002, 51.5518)
SPOT = {"longitude": -0.1012, "latitude": 51.5272, "accuracy": 5}
NO_SIGNAL = "ERR_INTERNET_DISCONNECTED|ERR_FAILED|FetchEvent"
WALKER = {**PHONE, "geolocation": SPOT, "permissions": ["geolocation"]}


@pytest.fixture(scope="module")
def home(database, serve):
    with serve(database) as address:
        yield address


@pytest.fixture
def walker(browser, home):
    with visit(browser, home, **WALKER) as visitor:
        visitor.go(FORM)
        expect(visitor.page.locator(".app-map--ready")).to_be_visible()
        yield visitor


def said(visitor):
    return visitor.page.locator("[data-drawing-said]")


def press(visitor, name):
    visitor.page.get_by_role("button", name=name, exact=True).tap()


def tap(visitor, *places):
    """Tap places of the map, given as parts of its width and height."""
    area = visitor.page.locator(".folium-map")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    for x, y in places:
        visitor.page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
        visitor.page.wait_for_timeout(350)  # two taps at once would be one to zoom with


def drawn(visitor, name="geometry"):
    written = visitor.page.locator(f"input[name={name}]").input_value()
    return json.loads(written) if written else None


def test_an_outline_is_drawn_by_touch_looked_at_and_sent(walker):
    page = walker.page
    walker.at("Suggest a green space")
    for unused in ("Finish", "Undo", "Start again", "Add an entrance"):
        expect(page.get_by_role("button", name=unused, exact=True)).to_be_hidden()
    press(walker, "I am there")
    expect(said(walker)).to_contain_text("within 5 metres")
    assert drawn(walker)["type"] == "Point"
    press(walker, "Draw the outline")
    tap(walker, (0.3, 0.3), (0.7, 0.7), (0.7, 0.3), (0.3, 0.7))
    expect(said(walker)).to_contain_text("The outline crosses itself")
    # Neither finished nor sent like this: it stays open, to be put right.
    page.get_by_label("What do people call it").fill("The yard behind the dairy")
    for button in ("Finish", "Send"):
        press(walker, button)
        expect(said(walker)).to_contain_text("The outline crosses itself")
        expect(page.get_by_role("button", name="Finish", exact=True)).to_be_visible()
    assert drawn(walker)["type"] == "Point"
    walker.look()
    for _ in range(3):
        press(walker, "Undo")
    tap(walker, (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
    expect(said(walker)).to_contain_text("tennis courts")
    press(walker, "Finish")
    assert drawn(walker)["type"] == "Polygon"
    assert len(drawn(walker)["coordinates"][0]) == 5
    press(walker, "Add an entrance")
    tap(walker, (0.3, 0.5))
    assert len(drawn(walker, "entrances")) == 1
    walker.look()
    page.get_by_label("Car park or garages").check()
    page.get_by_role("button", name="Send", exact=True).tap()
    walker.at("Thank you")
    expect(page.get_by_text("Waiting for a reviewer")).to_be_visible()


def test_an_outline_is_walked_around(walker):
    page = walker.page
    press(walker, "Walk around it")
    x, y = SPOT["longitude"], SPOT["latitude"]
    corners = [(0, 0), (0.0002, 0), (0.0004, 0), (0.0004, 0.0003), (0, 0.0003), (0, 0.0001)]
    for dx, dy in corners:
        page.context.set_geolocation({**SPOT, "longitude": x + dx, "latitude": y + dy})
        page.wait_for_timeout(150)
    expect(said(walker)).to_contain_text("m²")
    press(walker, "Finish")
    ring = drawn(walker)["coordinates"][0]
    assert 4 <= len(ring) <= 7
    expect(said(walker)).to_contain_text(re.compile(r"9\d\d m²: as large as 3\.\d tennis courts"))
    press(walker, "Undo")
    assert drawn(walker) is None


def test_what_is_on_the_map_already_is_asked_about(browser, home):
    with visit(browser, home, **PHONE) as visitor:
        visitor.go(FORM)
        place = visitor.page.get_by_label("Postcode, street or grid reference")
        place.fill("upper street")
        expect(visitor.page.locator("[data-near]")).to_contain_text("Somewhere along Upper Street.")
        place.fill("51.5518, -0.1001")
        link = visitor.page.locator("[data-near]").get_by_role("link", name="Highbury Fields")
        expect(link).to_be_visible()
        visitor.look()


def fill(visitor, name):
    visitor.page.get_by_label("Postcode, street or grid reference").fill("531500 182600")
    visitor.page.get_by_label("What do people call it").fill(name)


def send(visitor):
    visitor.page.get_by_role("button", name="Send", exact=True).tap()


def waiting(page):
    return page.locator(".app-outbox__entry")


def count(database, name):
    with database.reading() as cursor:
        found = cursor.execute(
            "SELECT count(*), count(DISTINCT s.green_space_id),"
            " (SELECT count(*) FROM survey.files p WHERE p.submission_id = ANY (array_agg(s.id)))"
            " FROM survey.submissions s WHERE fields ->> 'name' = %s",
            [name],
        ).fetchone()
    return found


def keep_of_an_earlier_edition(page, name, **more):
    """Have something wait as the script kept it before it kept anything but suggestions."""
    entry = {"id": str(uuid.uuid4()), "written_at": "2026-05-01T10:00:00Z", "photographs": [], "kept": []}
    page.evaluate(
        """(entry) => new Promise((resolve) => {
            indexedDB.open('survey').onsuccess = ({ target }) => {
                const keeping = target.result.transaction('outbox', 'readwrite')
                keeping.objectStore('outbox').put(entry)
                keeping.oncomplete = resolve
            }
        })""",
        {**entry, "fields": {"name": name, "place": "531500 182600"}, **more},
    )


def ready(page, path=FORM):
    """Wait until the worker keeps a page, and give it."""
    kept = "async (path) => (await (await caches.open('kept')).match(path))?.text()"
    for _ in range(100):
        if found := page.evaluate(kept, path):
            return found
        page.wait_for_timeout(100)
    raise AssertionError("the form is not kept")


def test_without_signal_it_waits_on_the_phone_and_is_sent_once(browser, home, database, tmp_path):
    gate = tmp_path / "gate.jpg"
    gate.write_bytes(photograph("green", at=(SPOT["longitude"], SPOT["latitude"])).getvalue())
    with visit(browser, home, **WALKER) as visitor:
        page, visitor.forgiven = visitor.page, NO_SIGNAL
        visitor.go(FORM)
        ready(page)
        page.context.set_offline(True)
        for name in ("Written without signal", "And another"):
            page.goto(home + FORM)
            expect(page.locator(".app-map--ready")).to_be_visible()
            lacking = page.get_by_text("No signal: the map may stay blank")
            expect(lacking).to_be_visible()
            above = page.locator(".app-map").bounding_box()
            assert lacking.bounding_box()["y"] >= above["y"] + above["height"], "no tap on the map is lost"
            page.get_by_label("What do people call it").fill(name)
            page.get_by_label("Photographs").set_input_files(gate)
            # The photograph is read here, before anything is sent.
            expect(page.get_by_text("says it was taken here: 51.52720, -0.10120")).to_be_visible()
            visitor.look()
            press(visitor, "Use this place")
            assert drawn(visitor) == {"type": "Point", "coordinates": [-0.1012, 51.5272]}
            send(visitor)
            expect(page.get_by_text(name + ", 1 photograph")).to_be_visible()
        expect(page.get_by_role("heading", name="2 things you wrote are waiting")).to_be_visible()
        assert count(database, "And another")[0] == 0
        visitor.look()
        # It survives the page, and the phone.
        page.goto(home + FORM)
        expect(page.get_by_role("heading", name="2 things you wrote are waiting")).to_be_visible()
        page.context.set_offline(False)
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.get_by_role("heading", name="are waiting")).to_have_count(0, timeout=15_000)
        for name in ("Written without signal", "And another"):
            assert count(database, name) == (1, 1, 1)
        page.get_by_text("what became of it").tap()
        page.get_by_role("link", name="And another").tap()
        visitor.at("Your suggestion")


def test_an_answer_that_is_lost_on_the_way_back_is_not_a_second_suggestion(browser, home, database):
    with visit(browser, home, **PHONE, service_workers="block") as visitor:
        page, visitor.forgiven = visitor.page, "ERR_CONNECTION_RESET"
        visitor.go(FORM)
        lost = []

        def lose(route):
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch().status)  # it arrives, and its answer does not
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route("**" + FORM, lose)
        fill(visitor, "Sent twice")
        send(visitor)
        expect(page.get_by_role("heading", name="1 thing you wrote is waiting")).to_be_visible()
        assert lost == [201]
        press(visitor, "Send now")
        expect(page.get_by_role("heading", name="is waiting")).to_have_count(0)
        assert count(database, "Sent twice")[:2] == (1, 1)


def test_what_the_server_refuses_comes_back_with_all_that_was_written(browser, home, database):
    with visit(browser, home, **PHONE) as visitor:
        page, visitor.forgiven = visitor.page, "status of 400"
        visitor.go(FORM)
        keep_of_an_earlier_edition(page, "Refused before", mistakes=[{"field": "place", "reason": "Nowhere"}])
        page.get_by_label("Why could it be good?").fill("Sun all day")
        send(visitor)
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        visitor.look()
        expect(page.get_by_label("Why could it be good?")).to_have_value("Sun all day")
        # Another that waits is opened in its place with its own words alone, and not without asking.
        page.get_by_label("Is anything unsafe there?").evaluate("(node) => { node.value = 'Glass' }")
        page.locator("input[name=geometry]").evaluate("(node) => { node.value = '{}' }")
        for answer, words in (("dismiss", "Glass"), ("accept", "")):
            page.once("dialog", lambda dialog, answer=answer: getattr(dialog, answer)())
            page.get_by_role("button", name="Open Refused before").tap()
            expect(page.locator("[name=safety_note]")).to_have_value(words)
        expect(page.get_by_label("What do people call it")).to_have_value("Refused before")
        for name in ("opportunity", "geometry"):
            expect(page.locator(f"[name={name}]")).to_have_value("")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Open Without a name").tap()
        expect(page.get_by_label("Why could it be good?")).to_have_value("Sun all day")
        # The next thing to put right: it overlaps with a space that is known, and is another all the same.
        page.locator("input[name=geometry]").evaluate(
            "(node, value) => { node.value = value }", WITHIN_THE_FIELDS
        )
        page.get_by_label("What do people call it").fill("Put right")
        send(visitor)
        expect(page.get_by_role("link", name="It overlaps with what is on the map already")).to_be_visible()
        expect(said(visitor)).to_contain_text("tennis courts")
        visitor.look()
        page.get_by_label("It is a different space: send it anyway").check()
        send(visitor)
        visitor.at("Thank you")
        assert count(database, "Put right")[:2] == (1, 1)


def test_without_a_script_it_works_as_well(browser, home, database):
    with visit(browser, home, **PHONE, java_script_enabled=False) as visitor:
        page = visitor.page
        page.goto(home + FORM)
        assert page.locator("[data-drawing]").is_hidden()
        fill(visitor, "Without a script")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
        assert count(database, "Without a script")[:2] == (1, 1)


def test_an_open_space_is_confirmed_and_a_change_reported_with_and_without_signal(browser, home, database):
    with visit(browser, home, **PHONE) as visitor:
        page, visitor.forgiven = visitor.page, NO_SIGNAL
        visitor.go("/green-spaces/highbury-fields")
        page.get_by_role("link", name="It is still open: tell us").tap()
        visitor.at("Is Highbury Fields still open?")
        ready(page, "/green-spaces/on-the-spot")
        page.get_by_role("button", name="Still open to all, checked today").tap()
        visitor.at("Thank you")
        visitor.go("/green-spaces/highbury-fields")
        report = page.get_by_role("link", name="Report what has changed").get_attribute("href")
        page.context.set_offline(True)
        page.goto(home + report)
        expect(page.locator("[data-spot-name]")).to_have_text("highbury fields")
        page.get_by_role("button", name="Still open to all, checked today").tap()
        expect(waiting(page)).to_contain_text(["highbury fields: still open"])
        page.get_by_label("It is closed").check()
        page.get_by_label("In your words").fill("The gate was locked at noon")
        send(visitor)
        expect(waiting(page)).to_contain_text(["highbury fields: still open", "what has changed"])
        visitor.look()
        # One page lists what waits, of every kind; from there it is opened again where it was written.
        page.goto(home + "/green-spaces/waiting")
        expect(page.get_by_role("heading", name="2 things you wrote are waiting")).to_be_visible()
        visitor.look()
        page.get_by_role("button", name="Open highbury fields: what has changed").tap()
        expect(page.get_by_label("In your words")).to_have_value("The gate was locked at noon")
        page.context.set_offline(False)
        send(visitor)
        visitor.at("Thank you")
        # What is about a space that has gone is told, and can be read to be copied.
        page.context.set_offline(True)
        page.goto(home + "/green-spaces/no-such-space/confirm")
        page.get_by_label("In your words").fill("The bench is broken")
        send(visitor)
        page.context.set_offline(False)
        visitor.forgiven = f"{NO_SIGNAL}|status of 404"
        visitor.go("/green-spaces/waiting")
        expect(waiting(page).last).to_contain_text("no longer on the map")
        expect(page.get_by_text("The bench is broken")).to_be_visible()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete no such space").tap()
        expect(page.get_by_text("Nothing is waiting.")).to_be_visible()
    with database.reading() as cursor:
        kinds = cursor.execute("SELECT kind FROM survey.submissions WHERE green_space_id = 'highbury-fields'")
        assert sorted(kinds.fetchall()) == [("change",), ("confirmation",), ("confirmation",)]


def test_a_surveyor_confirms_in_one_tap_and_takes_it_back(browser, home, database):
    with database.session("tests") as session:
        ada = people.add_person(session, "Ada", parse_grants(["surveyor"]), email="ada@example.org")
        people.set_password(session, ada, PASSWORD)
    park = "/green-spaces/highbury-fields"
    with visit(browser, home, **WALKER) as visitor:
        page = visitor.page
        visitor.go("/sign-in?next=" + park)
        sign_in(visitor, "ada@example.org", PASSWORD)
        page.get_by_role("button", name="Still open to all, checked today").tap()
        expect(page.get_by_text("The map says now that it was checked today.")).to_be_visible()
        visitor.look()
        page.get_by_role("button", name="That was a mistake: take it back").tap()
        expect(page.get_by_text("Taken back: it is as it was before.")).to_be_visible()
        # The form is kept for a walk without signal for who is signed in as well, and says nothing of them.
        visitor.go(FORM)
        assert "Signed in" not in ready(page)
        ready(page, "/green-spaces/waiting")
        # The page does not know that the session has ended: what is written in it waits, and says for whom.
        cookies = page.context.cookies()
        page.context.clear_cookies()
        fill(visitor, "Written after the end")
        send(visitor)
        expect(page.get_by_text("It waits: you are not signed in.")).to_be_visible()
        page.context.add_cookies(cookies)
        press(visitor, "Send now")
        expect(page.get_by_role("heading", name="is waiting")).to_have_count(0, timeout=15_000)
        # On a telephone that others use too, what one wrote is sent under no other account.
        visitor.forgiven = NO_SIGNAL
        page.context.set_offline(True)
        page.goto(home + FORM)
        fill(visitor, "Written by Ada")
        send(visitor)
        expect(page.get_by_text("written while signed in as a resident")).to_be_visible()
        page.context.set_offline(False)
        page.context.clear_cookies()
        visitor.go("/green-spaces/waiting")
        expect(page.get_by_text("It waits: you are not signed in.")).to_be_visible()
        press(visitor, "Send now")
        expect(page.get_by_text("It could not be sent yet.")).to_be_visible()
        visitor.look()
        assert count(database, "Written by Ada")[0] == 0
        page.get_by_role("link", name="Sign in", exact=True).tap()
        sign_in(visitor, "ada@example.org", PASSWORD)
        expect(page.get_by_text("Nothing is waiting.")).to_be_visible()
        with database.reading() as cursor:
            wrote = "SELECT account_id FROM survey.submissions WHERE fields ->> 'name' = 'Written by Ada'"
            assert cursor.execute(wrote).fetchall() == [(ada,)]


def test_the_worker_sends_what_waits_where_the_browser_wakes_it(browser, home, database):
    with visit(browser, home, **PHONE) as visitor:
        page, visitor.forgiven = visitor.page, NO_SIGNAL
        visitor.go(FORM)
        ready(page)
        page.context.set_offline(True)
        fill(visitor, "Sent while asleep")
        send(visitor)
        expect(page.get_by_role("heading", name="1 thing you wrote is waiting")).to_be_visible()
        keep_of_an_earlier_edition(page, "Kept long ago")
        page.goto("about:blank")
        worker = page.context.service_workers[0]
        assert count(database, "Sent while asleep")[0] == 0
        page.context.set_offline(False)
        worker.evaluate("""() => new Promise((resolve, reject) => {
            const event = new ExtendableEvent('sync')
            event.tag = 'survey-outbox'
            event.waitUntil = (work) => work.then(resolve, reject)
            self.dispatchEvent(event)
        })""")
        assert count(database, "Sent while asleep")[:2] == (1, 1)
        assert count(database, "Kept long ago")[:2] == (1, 1)


def test_a_large_photograph_is_made_smaller_before_it_is_kept(browser, home, database, tmp_path):
    gate = tmp_path / "gate.jpg"
    Image.effect_noise((3200, 2400), 90).convert("RGB").save(gate, quality=92)
    with visit(browser, home, **PHONE) as visitor:
        page, visitor.forgiven = visitor.page, NO_SIGNAL
        visitor.go(FORM)
        ready(page)
        page.context.set_offline(True)
        fill(visitor, "Large photograph")
        page.get_by_label("Photographs").set_input_files(gate)
        send(visitor)
        expect(page.get_by_role("heading", name="1 thing you wrote is waiting")).to_be_visible()
        kept = """() => new Promise((resolve) => {
            indexedDB.open('survey').onsuccess = ({ target }) => {
                target.result.transaction('outbox').objectStore('outbox').getAll().onsuccess = (event) =>
                    resolve(event.target.result[0].photographs[0].blob.size)
            }
        })"""
        small = page.evaluate(kept)
        assert small < gate.stat().st_size / 2
        # Opened and sent once more it is the same picture, which the server keeps once.
        press(visitor, "Open Large photograph")
        expect(page.get_by_label("What do people call it")).to_have_value("Large photograph")
        page.wait_for_timeout(1000)  # sooner it would be a double click
        send(visitor)
        expect(page.get_by_role("heading", name="1 thing you wrote is waiting")).to_be_visible()
        assert page.evaluate(kept) == small
        page.context.set_offline(False)
        press(visitor, "Send now")
        expect(page.get_by_role("heading", name="is waiting")).to_have_count(0)
    assert count(database, "Large photograph") == (1, 1, 1)
