"""The picture of the operator's page in the README: `mailroom demo` with its sample mail, seen by chromium.

Usage: python -m scripts.console_picture
"""

import asyncio
import shutil
import sys
from pathlib import Path

from playwright.async_api import async_playwright

from handlers.demo.command import PATIENCE_SECONDS
from handlers.demo.environment import SECRETS, demo_environment
from handlers.demo.samples import samples
from receiver.cli.submit import settle, take_in_all

PICTURE = Path(__file__).parents[1] / "docs" / "console.png"
MOST_BYTES = 200_000
SHOWN = "ambiguous-staircase-quote.pdf"
"""A quote that reads like a letter and like a contract: it waits in review."""


async def main() -> None:
    """Writes the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    async with demo_environment(0) as running, async_playwright() as driver:
        mail = await samples(running.aws.folder)
        letters, _ = await take_in_all(running.app, mail.letters, packet=False, quiet=True)
        packets, _ = await take_in_all(running.app, (mail.packet,), packet=True, quiet=True)
        ids = [item.document.id for item in letters + packets]
        await settle(running.app, ids, quiet=True, patience_seconds=PATIENCE_SECONDS)
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1240, "height": 760})
        await page.goto(f"{running.page}/")
        await page.fill("#token", SECRETS["MAILROOM_ADMIN_TOKEN"])
        await page.keyboard.press("Enter")
        await page.get_by_role("tab", name="Review").click()
        await page.get_by_text(SHOWN).first.click()
        await page.locator("#detail").get_by_text("Decide where this document goes").wait_for()
        await page.locator(".view img[src]").first.wait_for()
        picture = await page.screenshot()
        await browser.close()
    if len(picture) > MOST_BYTES:
        raise ValueError(f"{PICTURE.name} has {len(picture)} bytes, more than {MOST_BYTES}")
    PICTURE.write_bytes(picture)


if __name__ == "__main__":
    asyncio.run(main())
