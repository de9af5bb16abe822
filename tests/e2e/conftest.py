"""The operator's page in the system's own Chromium: one browser for a file of tests, and a new session for each."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from receiver.bootstrap import App
from tests.receivers import ADMIN_TOKEN
from tests.sockets import operator_served

PATIENCE_MS = 60_000
"""How long the page may take to show what is expected, on a machine that is busy with other things."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while it runs, no test of this process can start an event loop."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(app: App, browser: Browser) -> Iterator[Page]:
    """The page of this application, entered with the token; it fails the test on any error of its own."""
    with operator_served(app) as (host, port), browser.new_context() as session:
        page = session.new_page()
        page.set_default_timeout(PATIENCE_MS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://{host}:{port}/")
        page.fill("#token", ADMIN_TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("tr[data-id]")
        yield page
    assert errors == []
