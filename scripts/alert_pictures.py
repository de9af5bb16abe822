"""The pictures in docs/alerts.md: what channels are really given, as HTML that looks like their clients, by chromium.

The mail's HTML is shown as it is. Of Slack's blocks and of the Adaptive Card every kind that Mailroom sends is drawn;
one that is not known here ends the program, so that no picture leaves anything out.

Usage: python -m scripts.alert_pictures
"""

import re
import shutil
import sys
import tempfile
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from handlers.alerts import html, slack, teams, text
from receiver.alerting.notices import notice_of
from receiver.core.advice import advised
from receiver.core.alert import Alert, Severity
from receiver.core.incident import Incident, Status, opened_incident
from receiver.core.notice import Notice
from receiver.store import codec
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_notification, an_incident, an_occurrence
from tests.receivers import ADMIN_TOKEN, an_app
from tests.sockets import operator_served

FOLDER = Path(__file__).parents[1] / "docs" / "alerts"
MOST_BYTES = 80_000
PAGE = "https://mailroom.example.com"
FONT = "font:14px/1.45 'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1d1c1d"
SIGNS = {
    ":red_circle:": "<span style='color:#d00'>⬤</span>",
    ":large_blue_circle:": "<span style='color:#1c5fb8'>⬤</span>",
    ":white_check_mark:": "<span style='color:#1c7040'>✔</span>",
}
COLOURS = {"attention": "#fbe4e4", "warning": "#fdf1d8", "good": "#e2f3e5", "accent": "#e3ecfa"}


STATES: dict[str, dict[str, Any]] = {
    "firing": {"unmended": 40},
    "acknowledged": {"unmended": 40, "acknowledged_at": NOW + 240, "acknowledged_by": "ann"},
    "resolved": {"status": Status.RESOLVED, "closed_at": NOW + 3590},
}
"""The states that are shown, and what of the incident is otherwise in each."""


def incident(word: str = "firing") -> Incident:
    """Forty documents that LlamaCloud could not open."""
    said = "The PDF is encrypted and requires a password"
    alert = advised(
        Alert(
            kind="job.failed", cause="locked", title=f"classify job failed: {said}", detail=said,
            subject="doc_5kq2v7", name="statement of 2026-11.pdf", job_id="pjb-91c2", at=NOW,
        )
    )  # fmt: skip
    item = opened_incident(alert, Severity.ERROR, None, now=NOW)
    return replace(item, count=40, last_at=NOW + 9, **STATES[word])


def notices(folder: Path) -> dict[str, Notice]:
    """What the channels are given in each state."""
    made = {}
    for word in STATES:
        shown = incident(word)
        at = shown.closed_at or shown.acknowledged_at or NOW + 10
        context = replace(
            an_app(folder).context, clock=lambda at=at: at, site="mailroom.example.com", operator_url=PAGE
        )
        made[word] = notice_of(shown, a_notification(), word, reminder=False, context=context)
    return made


def pictures(folder: Path) -> dict[str, str]:
    """Name -> the HTML that is taken a picture of: each client in each state that its channel is told of."""
    drawn: dict[str, str] = {}
    for word, notice in notices(folder).items():
        told, tail = text.fit(notice), "" if word == "firing" else f"-{word}"
        drawn[f"slack{tail}"] = slack_html(slack.message_of(told, blocks=True))
        if word != "acknowledged":  # which is told to channels that track their messages
            drawn[f"teams{tail}"] = teams_html(teams.message_of(told))
            drawn[f"mail{tail}"] = html.page(told)
    return drawn


# --- Slack


def slack_html(message: dict[str, Any]) -> str:
    """The message's attachment, block by block."""
    (shown,) = message["attachments"]
    blocks = "".join(_block(item) for item in shown["blocks"])
    return f'<div style="{FONT};border-left:4px solid {shown["color"]};padding:4px 14px">{blocks}</div>'


def _block(block: dict[str, Any]) -> str:
    match block:
        case {"type": "header", "text": text}:
            return f"<div style='margin:8px 0;font-weight:700;font-size:16px'>{_mrkdwn(text['text'])}</div>"
        case {"type": "section", "text": {"type": "plain_text", "text": text}}:
            return f"<div style='margin:2px 0 8px;white-space:pre-wrap'>{text}</div>"
        case {"type": "section", "text": text}:
            return f"<div style='margin:8px 0'>{_mrkdwn(text['text'])}</div>"
        case {"type": "section", "fields": fields}:
            cells = "".join(f"<div>{_mrkdwn(item['text'])}</div>" for item in fields)
            return f"<div style='display:grid;grid-template-columns:1fr 1fr;gap:8px'>{cells}</div>"
        case {"type": "actions", "elements": buttons}:
            return "".join(_button(item["text"]["text"]) for item in buttons)
        case {"type": "context", "elements": elements}:
            said = " ".join(_mrkdwn(item["text"]) for item in elements)
            return f"<div style='color:#616061;font-size:12px;margin-top:8px'>{said}</div>"
    raise ValueError(f"Slack's block {block} is not drawn")


def _mrkdwn(text: str) -> str:
    """What is in it is escaped already, as Slack wants it."""
    code = "<pre style='background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px;margin:0'>"
    text = re.sub(r"```(.*?)```", rf"{code}\1</pre>", text, flags=re.S)
    text = re.sub(r"(?m)^(\S+ )?\*(.+)\*$", r"\1<b>\2</b>", text)
    for name, shown in SIGNS.items():
        text = text.replace(name, shown)
    return text if "<pre" in text else text.replace("\n", "<br>")


def _button(name: str) -> str:
    style = "display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 12px;margin:6px 8px 0 0"
    return f"<span style='{style};font-weight:600'>{escape(name)}</span>"


# --- Teams


def teams_html(message: dict[str, Any]) -> str:
    """The message's Adaptive Card, element by element."""
    card = message["attachments"][0]["content"]
    body = "".join(_element(item) for item in card["body"])
    actions = "".join(_button(item["title"]) for item in card["actions"])
    return f'<div style="{FONT};border:1px solid #ddd;border-radius:6px;padding:14px">{body}{actions}</div>'


def _element(element: dict[str, Any]) -> str:
    match element:
        case {"type": "Container", "style": style, "items": items}:
            inside = "".join(_element(item) for item in items)
            return f"<div style='background:{COLOURS[style]};margin:-14px -14px 10px;padding:10px 14px'>{inside}</div>"
        case {"type": "FactSet", "facts": facts}:
            cell = "<td style='vertical-align:top;padding:2px 18px 2px 0'>"
            rows = "".join(
                f"<tr>{cell}<b>{escape(item['title'])}</b></td>{cell}{_plain(item['value'])}</td></tr>"
                for item in facts
            )
            return f"<table style='{FONT}'>{rows}</table>"
        case {"type": "TextBlock", "text": text}:
            mono = "font-family:monospace;" if element.get("fontType") == "Monospace" else ""
            bold = "font-weight:600;font-size:16px;" if element.get("weight") == "Bolder" else ""
            grey = "color:#666;font-size:12px;" if element.get("isSubtle") else ""
            return f"<div style='{mono}{bold}{grey}margin:4px 0'>{_plain(text)}</div>"
    raise ValueError(f"the card's element {element} is not drawn")


def _plain(text: str) -> str:
    return escape(re.sub(r"\\(.)", r"\1", text)).replace("\n\n", "<br>")


# --- pictures


def main() -> None:
    """Writes the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, body in pictures(Path(folder)).items():
            take(browser, name, body)
        take_page(browser, incident())
        browser.close()


def take(browser: Browser, name: str, body: str) -> None:
    """A picture of this HTML."""
    page = browser.new_page(viewport={"width": 680, "height": 200})
    page.set_content(body)
    save(name, page.screenshot(full_page=True))


def take_page(browser: Browser, shown: Incident) -> None:
    """A picture of the operator's page with the incident."""
    store = MemoryStore(clock=lambda: NOW)
    paused = an_incident(
        id="pausedkey000", kind="submission.paused", title="out of credits", severity=Severity.CRITICAL
    )
    example = shown.examples[0]
    met = an_occurrence(
        part=shown.part, document_id=example.document_id, name=example.name, detail=example.detail
    )  # fmt: skip
    for record in (shown, paused, met):
        store._put(codec.copy(record))
    with tempfile.TemporaryDirectory() as folder, operator_served(an_app(Path(folder), store=store)) as (host, port):
        page = browser.new_page(viewport={"width": 860, "height": 520})
        page.goto(f"http://{host}:{port}/#alerts/{shown.id}")
        page.fill("#token", ADMIN_TOKEN)
        page.keyboard.press("Enter")
        page.get_by_text(shown.commands[0]).first.wait_for()
        save("page", page.screenshot())


def save(name: str, picture: bytes) -> None:
    """Writes it. Raises ValueError for one that is too large for a repository."""
    if len(picture) > MOST_BYTES:
        raise ValueError(f"{name}.png has {len(picture)} bytes, more than {MOST_BYTES}")
    (FOLDER / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
