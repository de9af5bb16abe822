"""The pictures of the operator's page in the docs: `mailroom demo` with its sample mail, seen by chromium.

Usage: python -m scripts.console_picture
"""

import asyncio
import random
import shutil
import sys
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from handlers.demo.command import PATIENCE_SECONDS
from handlers.demo.environment import SECRETS, demo_environment
from handlers.demo.samples import samples
from receiver.bootstrap import App
from receiver.cli.submit import settle, take_in_all
from receiver.core.change import Delete, Insert, Query
from receiver.core.document import Document, DocumentState
from receiver.core.flag import Flag
from receiver.core.job import Job
from receiver.operations.hour_counts import PROGRESS, count_hours

DOCS = Path(__file__).parents[1] / "docs"
PICTURE, STRIP, QUEUE, WIDTHS, CHARTS = (
    DOCS / f"console{name}.png" for name in ("", "-packet", "-review", "-widths", "-charts")
)
COLOURS, MOST_BYTES = 128, 150_000
SHOWN = "ambiguous-staircase-quote.pdf"
"""A quote that reads like a letter and like a contract: it waits in review."""
DESKTOP, TABLET, PHONE = (1240, 760), (768, 760), (360, 760)
GAP = 24
PAST_HOURS, AN_HOUR = 26, 12
"""How far back copies of the documents go for the charts, and how many there are in an hour."""


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
        page = await opened(browser, running.page, DESKTOP)
        await a_document(page)
        await a_packet(page, packets[0].document.id)
        await a_queue(page)
        await three_widths(browser, running.page)
        await invent_a_past(running.app)
        await charts(page)
        await browser.close()


async def opened(browser: Browser, url: str, size: tuple[int, int], scheme: str = "light") -> Page:
    """The page, signed in."""
    page = await browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    await page.goto(f"{url}/")
    await page.fill("#token", SECRETS["MAILROOM_ADMIN_TOKEN"])
    await page.keyboard.press("Enter")
    await page.locator("tr[data-id]").first.wait_for()
    return page


async def a_document(page: Page) -> None:
    """One in review, beside its pages."""
    await page.get_by_role("tab", name="Review").click()
    await page.get_by_text(SHOWN).first.click()
    await page.mouse.move(0, 0)
    await page.locator("#detail").get_by_text("Decide where this document goes").wait_for()
    await page.locator(".view img[src]").first.wait_for()
    save(await page.screenshot(), PICTURE)


async def a_packet(page: Page, document_id: str) -> None:
    """The strip of a packet's pages."""
    await page.evaluate(f"location.hash = '#all/{document_id}'")
    await page.locator(".thumb[data-page='10'] img[src]").wait_for()
    save(await page.screenshot(), STRIP)


async def a_queue(page: Page) -> None:
    """Review, one document at a time."""
    await page.evaluate("location.hash = '#review'")
    await page.get_by_role("button", name="Work through these").click()
    await page.locator("#work .view img[src]").first.wait_for()
    save(await page.screenshot(), QUEUE)


async def three_widths(browser: Browser, url: str) -> None:
    """The list on a desktop, a tablet and a phone, beside each other; the phone is dark."""
    shots = []
    for size, scheme in ((DESKTOP, "light"), (TABLET, "light"), (PHONE, "dark")):
        page = await opened(browser, url, size, scheme)
        shots.append(Image.open(BytesIO(await page.screenshot())).convert("RGB"))
        await page.close()
    width = sum(item.width for item in shots) + GAP * (len(shots) - 1)
    beside = Image.new("RGB", (width, DESKTOP[1]), "white")
    at = 0
    for shot in shots:
        beside.paste(shot, (at, 0))
        at += shot.width + GAP
    made = BytesIO()
    beside.resize((width // 2, DESKTOP[1] // 2), Image.Resampling.LANCZOS).save(made, "PNG")
    save(made.getvalue(), WIDTHS)


async def invent_a_past(app: App) -> None:
    """Copies of what was just routed, held or failed, over the past day: the demo alone is one minute long."""
    chance, now, store = random.Random(1), time.time(), app.context.store
    settled = [
        item
        for item in (await store.find(Document, Query(limit=500))).records
        if item.state in (DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED) and item.job_id
    ]
    jobs = {item.id: job for item in settled if (job := await store.get(Job, item.job_id))}
    for hour in range(1, PAST_HOURS):
        busy = 3 if 6 <= time.gmtime(now - hour * 3600).tm_hour < 17 else 1
        for number in range(int(AN_HOUR * busy * chance.uniform(0.6, 1.4))):
            item = chance.choice(settled)
            earlier = hour * 3600 + chance.uniform(0, 3600)
            later = chance.expovariate(0.5)
            job_id = f"{item.job_id}-{hour}-{number}"
            document = replace(
                item,
                id=f"{item.id}-{hour}-{number}",
                batch_id=f"{item.id}-{hour}-{number}",
                job_id=job_id,
                taken_in_at=item.taken_in_at - earlier,
                deliveries=tuple(
                    replace(each, delivered_at=each.delivered_at and each.delivered_at - earlier + later)
                    for each in item.deliveries
                ),
            )
            job = jobs[item.id]
            heard = "asked" if chance.random() < 0.04 else job.heard_by
            ended = replace(job, id=job_id, ended_at=job.ended_at and job.ended_at - earlier, heard_by=heard)
            await store.apply(Insert(document), Insert(ended))
    if flag := await store.get(Flag, PROGRESS):
        await store.apply(Delete(flag))  # these hours were counted, when they were empty
    for _ in range(4):  # a pass ends after some hours
        await count_hours(app.context)


async def charts(page: Page) -> None:
    """What became of the documents of a day."""
    await page.evaluate("location.hash = '#watch'")
    await page.set_viewport_size({"width": DESKTOP[0], "height": 1000})
    await page.locator("figure.chart").first.wait_for()
    save(await page.screenshot(), CHARTS)


def save(picture: bytes, path: Path) -> None:
    """Writes it with few colours. Raises ValueError when it is large all the same."""
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, more than {MOST_BYTES}")


if __name__ == "__main__":
    asyncio.run(main())
