"""A browser that opens pages of the console and writes down everything that is wrong with them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-quic",
]  # fmt: skip
SETTLING = 150  # Milliseconds for Alpine, charts and whatever a page fetches by itself.
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

# What a person who cannot see the page, or sees it on a phone, would stumble over.
STUMBLING_BLOCKS = """() => {
    const shown = (element) => element.checkVisibility();
    const name = (element) => element.outerHTML.slice(0, 140).replace(/\\s+/g, ' ');
    const found = [];
    for (const field of document.querySelectorAll('input, select, textarea')) {
        if (['hidden', 'submit', 'button', 'image', 'reset'].includes(field.type) || !shown(field)) continue;
        if (field.labels?.length || field.ariaLabel || field.title) continue;
        if (field.getAttribute('aria-labelledby')) continue;
        found.push('no label: ' + name(field));
    }
    for (const image of document.querySelectorAll('img:not([alt])')) found.push('no alt: ' + name(image));
    for (const canvas of document.querySelectorAll('canvas[data-fi-chart], canvas.chart')) {
        const box = canvas.closest('.fi-chart-box, .fi-card, section') || canvas.parentElement;
        if (!box.querySelector('table')) found.push('no table beside: ' + name(canvas));
    }
    const wide = document.scrollingElement.scrollWidth - window.innerWidth;
    if (wide > 1) found.push(`wider than the window by ${wide} px`);
    return found;
}"""


def chromium_path() -> str | None:
    """Return where the system's Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Run the system's Chromium, which is told to leave the network alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One person at one window. `problems` is what they met, page by page."""

    context: BrowserContext
    base_url: str
    label: str = ""
    screenshots: Path | None = None
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(f"script error: {error}"))
        self.page.on("request", self._see_request)
        self.page.on("response", self._see_response)

    def open(self, path: str, *, allow: tuple[int, ...] = (200,)) -> Page:
        """Open a page, wait until it is drawn, and look for what is wrong with it."""
        response = self.page.goto(self.base_url + path, wait_until="load")
        if response and response.status not in allow:
            self._note(f"answered {response.status}")
        self.page.wait_for_timeout(SETTLING)
        self.look()
        return self.page

    def look(self) -> None:
        """Note what a person would stumble over on the page as it stands, and keep a picture of it."""
        for block in self.page.evaluate(STUMBLING_BLOCKS):
            self._note(block)
        if self.screenshots:
            name = re.sub(r"\W+", "-", f"{self.label}{self.page.url.removeprefix(self.base_url)}").strip("-")
            self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.base_url, "data:", "blob:")):
            self._note(f"request outside the origin: {request.url}")

    def _see_response(self, response) -> None:
        if response.status >= 500:
            self._note(f"{response.status} from {response.url}")

    def _note(self, problem: str) -> None:
        self.problems.append(f"{self.label} {self.page.url.removeprefix(self.base_url)}: {problem}")


@contextmanager
def visit(
    browser: Browser,
    base_url: str,
    *,
    label: str = "",
    dark: bool = False,
    phone: bool = False,
    language: str = "en",
    cookies: list[dict] | None = None,
    screenshots: Path | None = None,
) -> Iterator[Visitor]:
    """Open a window of one kind, already logged in by `cookies`."""
    context = browser.new_context(
        viewport=PHONE if phone else DESKTOP,
        color_scheme="dark" if dark else "light",
        locale={"it": "it-IT"}.get(language, "en-GB"),
        timezone_id="Europe/Rome",
    )
    if cookies:
        context.add_cookies(cookies)
    try:
        yield Visitor(context, base_url, label=label, screenshots=screenshots)
    finally:
        context.close()
