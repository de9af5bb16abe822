"""The pictures in docs/alerts.md are drawn from what the channels really send."""

import email
import email.policy
import json
import re
from pathlib import Path

import pytest

from handlers.alerts.registry import open_channel
from scripts.alert_pictures import FOLDER, notices, pictures, slack_html, teams_html
from tests.endpoints import an_endpoint
from tests.smtp import a_mailbox

pytestmark = pytest.mark.anyio
DOCS = FOLDER.parent / "alerts.md"


async def test_each_client_is_drawn_from_the_message_that_its_channel_sends(tmp_path: Path) -> None:
    drawn, seen = pictures(tmp_path), set()
    with an_endpoint() as endpoint:
        endpoint.answer = b'{"ok": true, "ts": "1"}'
        async with a_mailbox() as mailbox:
            clients = {
                "slack": open_channel(f"slack:{endpoint.url}/xoxb-token/C1"),
                "teams": open_channel(f"teams:{endpoint.url}/workflow"),
                "mail": open_channel("mailto:ops@example.com", smtp_url=f"smtp://127.0.0.1:{mailbox.port}"),
            }
            for word, notice in notices(tmp_path).items():
                for client, channel in clients.items():
                    if word == "acknowledged" and not channel.tracks:
                        continue  # it is not told
                    await channel.notify(notice)
                    if client == "mail":
                        part = email.message_from_bytes(mailbox.mails[-1], policy=email.policy.default)
                        html = part.get_body(("html",))
                        assert html is not None
                        sent = str(html.get_content())
                    else:
                        draw = slack_html if client == "slack" else teams_html
                        sent = draw(json.loads(endpoint.posts[-1].body))
                    name = client if word == "firing" else f"{client}-{word}"
                    assert sent.split() == drawn[name].split()
                    seen.add(name)
    assert seen == set(drawn)


def test_the_page_shows_every_picture_that_there_is(tmp_path: Path) -> None:
    names = {*pictures(tmp_path), "page"}
    assert set(re.findall(r"\]\(alerts/([\w-]+)\.png\)", DOCS.read_text())) == names
    assert {item.stem for item in FOLDER.glob("*.png")} == names


def test_what_is_resolved_is_not_told_how_to_mend_it(tmp_path: Path) -> None:
    told = notices(tmp_path)
    assert told["firing"].fix
    assert "mailroom unlock" in told["firing"].commands[0]
    assert (told["resolved"].fix, told["resolved"].commands) == ("", (f"mailroom alerts show {told['firing'].key}",))
