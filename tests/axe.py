"""What is hard to use on a page for some people, as axe finds it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Each rule that the page breaks, with the first element that does."""
    if page.evaluate("!window.axe"):  # loading it takes longer than what it does
        page.evaluate(Axe().axe_script)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [f"{item['id']}: {item['nodes'][0]['html']}" for item in found["violations"]]
