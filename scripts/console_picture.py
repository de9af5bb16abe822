"""The pictures of the operator's page in the docs: `mailroom demo` with its sample mail, seen by chromium.

Usage: python -m scripts.console_picture
"""

import asyncio
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from handlers.demo.command import PATIENCE_SECONDS
from handlers.demo.environment import SECRETS, demo_environment
from handlers.demo.samples import samples
from receiver.cli.submit import settle, take_in_all

DOCS = Path(__file__).parents[1] / "docs"
PICTURE, STRIP = DOCS / "console.png", DOCS / "console-packet.png"
COLOURS, MOST_BYTES = 128, 150_000
SHOWN = "ambiguous-staircase-quote.pdf"
"""A quote that reads like a letter and like a contract: it waits in review."""


async def main() -> None:
    """Writes the pictures."""
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
        await page.mouse.move(0, 0)
        await page.locator("#detail").get_by_text("Decide where this document goes").wait_for()
        await page.locator(".view img[src]").first.wait_for()
        save(await page.screenshot(), PICTURE)
        await page.evaluate(f"location.hash = '#all/{packets[0].document.id}'")
        await page.locator(".thumb[data-page='10'] img[src]").wait_for()
        save(await page.screenshot(), STRIP)
        await browser.close()


def save(picture: bytes, path: Path) -> None:
    """Writes it with few colours. Raises ValueError when it is large all the same."""
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {MOST_BYTES}")


if __name__ == "__main__":
    asyncio.run(main())
