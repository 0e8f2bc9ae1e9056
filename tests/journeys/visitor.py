"""A person in front of the service: a page of Chromium that notes whatever would be wrong for anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}

AXE = Axe()
# All rules; what is left out is fetching style sheets a second time, and reports on what is right.
AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}
TELL_VIOLATIONS = """document.addEventListener('securitypolicyviolation', (event) =>
    console.error(`Content security policy: ${event.violatedDirective} ${event.blockedURI}`))"""
FOCUS_SHOWS = """() => {
    const node = document.activeElement, style = getComputedStyle(node)
    return node.matches('input[type=radio]') || style.boxShadow !== 'none' || style.outlineStyle !== 'none'
}"""


@dataclass
class Visitor:
    """One page, the server it is on, and what went wrong so far."""

    page: Page
    home: str
    wrong: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    forgiven: str | None = None
    """What the console may say besides, in a journey that loses its signal or is refused on purpose."""

    @property
    def on_phone(self) -> bool:
        """Whether the screen is a phone's."""
        size = self.page.viewport_size
        return size is not None and size["width"] < 500

    def go(self, path: str, status: int = 200) -> None:
        """Open an address, which answers with a status; Chromium reports an error's own page as an error."""
        if status >= 400:
            self.expected.add(self.home + path)
        answer = self.page.goto(self.home + path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"

    def menu(self, name: str) -> None:
        """Follow a link of the main menu, which a phone folds away."""
        menu = self.page.get_by_role("navigation", name="Main")
        if self.on_phone:
            self.page.get_by_role("button", name="Menu").click()
        menu.get_by_role("link", name=name, exact=True).click()

    def at(self, heading: str | re.Pattern[str]) -> None:
        """Wait for the page with this heading, and look at it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.look()

    def look(self) -> None:
        """What holds for every page and every state of it: axe finds nothing and nothing scrolls sideways."""
        where = f"{self.page.url} at {(self.page.viewport_size or {}).get('width')} px"
        results = AXE.run(self.page, options=AXE_OPTIONS)
        assert not results.violations_count, f"{where}\n{results.generate_report()}"
        wide, screen = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= screen, f"{where} is {wide} px wide"

    def tab_to(self, selector: str, most: int = 60) -> None:
        """Press Tab until an element has the focus; the focus can be seen all the way."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            assert self.page.evaluate(FOCUS_SHOWS), f"no focus to be seen on {focused}"
            if self.page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} was not reached with {most} presses of Tab")

    def heard(self, message: ConsoleMessage) -> None:
        """Note an error of the console, but for the page that was expected to answer with one."""
        own_page = message.location["url"] in self.expected and message.text.startswith("Failed to load")
        forgiven = self.forgiven is not None and re.search(self.forgiven, message.text) is not None
        if message.type == "error" and not own_page and not forgiven:
            self.wrong.append(f"console: {message.text} ({message.location['url']})")

    def asked(self, request: Request) -> None:
        """Note a request that leaves the origin."""
        if not request.url.startswith((f"{self.home}/", "data:", "blob:")):
            self.wrong.append(f"request to {request.url}")


@contextmanager
def visit(browser: Browser, home: str, **options: Any) -> Iterator[Visitor]:
    """A visitor with a fresh profile; leaving fails if anything was wrong on the way."""
    context = browser.new_context(reduced_motion="reduce", **options)
    context.set_default_timeout(15_000)
    context.add_init_script(TELL_VIOLATIONS)
    page = context.new_page()
    visitor = Visitor(page, home)
    context.on("request", visitor.asked)
    context.on("console", visitor.heard)
    page.on("pageerror", lambda error: visitor.wrong.append(f"script: {error}"))
    try:
        yield visitor
        assert visitor.wrong == [], "\n".join(visitor.wrong)
    finally:
        context.close()
