"""A real Chromium for the tests of the page: found, started and closed here, so that no test knows how.

Without one a laptop skips the test, with a sentence on how to install it; CI fails.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PATIENCE_MILLISECONDS = 60_000
MISSING = (
    "No Chromium or Chrome was found. Install one (Debian, Ubuntu: `apt-get install chromium`; "
    "elsewhere: https://www.chromium.org/getting-involved/download-chromium) or name it in CHROMIUM."
)

Visit = Callable[..., Page]


def find_chromium() -> str | None:
    """The path of a browser: `CHROMIUM`, then the usual names, then the usual places of a Mac."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or next((str(path) for path in MACS if path.exists()), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module: longer, and its event loop would be in the way of other tests' `asyncio.run`."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """`visit(url, person="aiko", width=1280, height=800, dark=False)`; an error in the page's script fails the test."""
    errors: list[str] = []
    pages: list[Page] = []

    def open_page(url: str, person: str = "aiko", *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        page = chromium.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        pages.append(page)
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/?as={person}")
        page.locator("#message").wait_for()
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert errors == []
