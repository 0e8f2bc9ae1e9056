"""A stall without signal: the last answer and the numbers to ring are there, say so, and can be forgotten."""

import re
import socket
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect

from tests.journeys.visitor import AXE, AXE_OPTIONS, PHONE

pytestmark = pytest.mark.browser

ASKED = "/find?postcode=N1+9JP&need=food"
STORED = """async () => {
    const found = []
    for (const name of await caches.keys()) {
        found.push(name, ...(await (await caches.open(name)).keys()).map((request) => request.url))
    }
    return found
}"""


@contextmanager
def phone(browser, home, **options):
    """A phone with a store of its own, on which the service has been asked once."""
    context = browser.new_context(reduced_motion="reduce", base_url=home, **PHONE, **options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(ASKED)
    try:
        yield page
    finally:
        context.close()


def kept(page):
    return page.get_by_text("Your last answer is kept on this device")


def heading(page):
    return page.get_by_role("heading", level=1)


def test_the_last_answer_is_there_without_signal(browser, live_server):
    with phone(browser, live_server) as page:
        expect(kept(page)).to_be_visible()
        notice = page.locator("[data-offline-notice]")
        expect(notice).to_be_hidden()

        page.context.set_offline(True)
        page.goto(ASKED)
        expect(heading(page)).to_have_text("Help near N1 9JP")
        said = r"You are offline.* This answer is from \d+ \w+ \d{4}, \d\d:\d\d: what it says of now"
        expect(notice).to_have_text(re.compile(said))
        expect(page.get_by_role("main").get_by_role("link", name="020 7527 2000").first).to_be_visible()
        ground = "getComputedStyle(document.querySelector('.app-header')).backgroundColor"
        assert page.evaluate(ground) == "rgb(11, 90, 87)"  # the styles are there too
        assert not AXE.run(page, options=AXE_OPTIONS).violations_count

        # Another question is not answered with the last one's answer: numbers, and the way to it.
        for path in ("/find?postcode=N19+5PH", "/", "/assets/finsbury-library"):
            page.goto(path)
            expect(heading(page)).to_have_text("Numbers to ring")
            not_made = page.get_by_text("Your search could not be made without signal")
            expect(not_made).to_be_visible(visible="find?" in path)
        expect(page.get_by_role("link", name="020 7527 4343")).to_be_visible()
        page.get_by_role("link", name="Show the answer to your last search").click()
        expect(heading(page)).to_have_text("Help near N1 9JP")
        expect(notice).to_be_visible()

        page.context.set_offline(False)
        page.goto(ASKED)
        expect(notice).to_be_hidden()
        page.goto("/find/last")
        expect(heading(page)).to_have_text("Find help near you")


def test_what_is_kept_can_be_forgotten_and_its_names_tell_nothing(browser, live_server):
    with phone(browser, live_server) as page:
        expect(kept(page)).to_be_visible()
        stored = page.evaluate(STORED)
        assert f"{live_server}/find/last" in stored
        way = page.get_by_role("link", name="How to forget it", include_hidden=True)
        expect(way).not_to_have_attribute("hidden", "")
        assert not [name for name in stored if re.search(r"N1|9JP|postcode|food|/api", name)]
        first, last = page.get_by_role("button", name="Forget my last search").all()
        expect(first).to_be_in_viewport()
        expect(last).to_be_visible()
        first.click()
        expect(page.get_by_text("Forgotten.")).to_be_visible()
        expect(last).to_be_hidden()
        expect(way).to_have_attribute("hidden", "")
        assert f"{live_server}/find/last" not in page.evaluate(STORED)
        page.context.set_offline(True)
        page.goto(ASKED)
        expect(heading(page)).to_have_text("Numbers to ring")
        expect(page.get_by_role("link", name="Show the answer to your last search")).to_be_hidden()


def test_it_is_kept_for_hours_and_not_for_days(browser, live_server):
    aged = """async (hours) => {
        const cache = await caches.open('kept')
        const found = await cache.match('/find/last')
        const headers = new Headers(found.headers)
        headers.set('X-Kept-At', String(Date.now() - hours * 60 * 60 * 1000))
        await cache.put('/find/last', new Response(await found.text(), { headers }))
    }"""
    with phone(browser, live_server) as page:
        expect(kept(page)).to_be_visible()
        expect(kept(page)).to_contain_text("for 12 hours at most")
        page.context.set_offline(True)
        for hours, shown in ((11, "Help near N1 9JP"), (13, "Numbers to ring")):
            page.evaluate(aged, hours)
            page.goto(ASKED)
            expect(heading(page)).to_have_text(shown)
        assert f"{live_server}/find/last" not in page.evaluate(STORED)


def test_the_programs_and_those_who_may_be_signed_in_are_left_alone(browser, live_server):
    with phone(browser, live_server) as page:
        expect(kept(page)).to_be_visible()
        page.context.set_offline(True)
        for path in ("/api/collections", "/health/live", "/data"):
            with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
                page.goto(path)
    somebody = {
        "cookies": [{"name": "session", "value": "x", "domain": "127.0.0.1", "path": "/"}],
        "origins": [],
    }
    with phone(browser, live_server, storage_state=somebody) as page:
        expect(page.locator(".app-map--ready")).to_be_visible()
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
        assert page.evaluate(STORED) == []


def test_a_network_that_does_not_answer_is_not_waited_for(browser, live_server):
    with stalling(live_server) as (address, stall), phone(browser, address) as page:
        expect(kept(page)).to_be_visible()
        stall.set()
        page.goto(ASKED)
        expect(page.locator("[data-offline-notice]")).to_be_visible()
        expect(heading(page)).to_have_text("Help near N1 9JP")


@contextmanager
def stalling(address):
    """A way to a server on which, once the event is set, nothing comes back any more."""
    target = (urlsplit(address).hostname, urlsplit(address).port)
    stall = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def carry(source, sink, held):
        try:
            while data := source.recv(65536):
                if not (held and stall.is_set()):
                    sink.sendall(data)
        except OSError:
            pass
        sink.close()

    def accept():
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.create_connection(target)
            threading.Thread(target=carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=carry, args=(far, near, True), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", stall
    finally:
        listening.close()
