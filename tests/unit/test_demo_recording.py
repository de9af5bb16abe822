"""The recording in the README: of a real terminal, and what the demo prints today."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from handlers.demo import printed_report
from handlers.demo.report import Report
from receiver.core.balance import Tally
from scripts.demo_recording import COLUMNS, MOST_BYTES, RECORDING, lines_of, record, svg

TEXT, TSPAN = "{http://www.w3.org/2000/svg}text", "{http://www.w3.org/2000/svg}tspan"
ROW = re.compile(r"^  (?P<name>\S.{43})  (?P<type>.{16}) (?P<confidence>.{4})  (?P<state>\w+)$")


def shown(picture: str) -> list[str]:
    """The rows as they stand at the end."""
    return ["".join(item.itertext()) for item in ET.fromstring(picture).iter(TEXT) if item.get("class") == "l"]  # noqa: S314


def test_a_command_in_a_terminal_becomes_rows_with_its_colours(tmp_path: Path) -> None:
    script = "import os; print('\\033[32m<routed> & done\\033[0m'); print(os.get_terminal_size().columns, end='')"
    status, chunks = record([sys.executable, "-c", script], folder=tmp_path)
    picture = svg(lines_of(chunks))
    assert status == 0
    assert shown(picture) == ["<routed> & done", str(COLUMNS)]
    (coloured,) = ET.fromstring(picture).iter(TSPAN)  # noqa: S314
    assert coloured.text == "<routed> & done"
    assert coloured.get("fill")


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    assert record([sys.executable, "-c", "raise SystemExit(3)"], folder=tmp_path) == (3, [])


def test_what_is_written_over_passes_and_pauses_are_short() -> None:
    lines = lines_of([(0.1, b"\x1b[?25l\r\x1b[2K0/2"), (60.0, b"\r\x1b[2K1/2"), (60.1, b"\r\x1b[2K2/2\r\nend\r\n")])
    assert [(line.row, line.text, line.until is None) for line in lines] == [
        (0, "0/2", False), (0, "1/2", False), (0, "2/2", True), (1, "end", True),
    ]  # fmt: skip
    assert lines[-1].since < 1.0
    assert [line.until for line in lines[:2]] == [line.since for line in lines[1:3]]


def test_the_recording_is_what_the_demo_prints_today(capsys: pytest.CaptureFixture[str]) -> None:
    picture = RECORDING.read_text(encoding="utf-8")
    assert len(picture.encode()) <= MOST_BYTES
    rows = shown(picture)
    begin = next(number for number, row in enumerate(rows) if row.startswith("The mail: "))
    printed_report.show(_report(rows[begin:]), seconds=float(rows[begin].split()[-2]))
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [row for row in rows[begin:] if row]


def _report(rows: list[str]) -> Report:
    """What was reported, read from what was printed."""
    mail, _, rest = "\n".join(rows).partition("\nAlerts\n")
    documents = list[dict[str, object]]()
    for row in mail.splitlines()[1:]:
        if found := ROW.match(row):
            said = {name: text.strip() for name, text in found.groupdict().items()}
            confidence = float(said["confidence"]) if said["confidence"] else None
            kind = None if said["type"] == "-" else said["type"]
            documents.append(said | {"type": kind, "confidence": confidence, "deliveries": [], "reason": ""})
        elif (document := documents[-1])["state"] != "routed" and not document["reason"]:
            document["reason"] = row.strip()
        else:
            deliveries = document["deliveries"]
            assert isinstance(deliveries, list)
            deliveries.append({"location": row.strip(), "to": "", "status": "delivered"})
    (alert,) = re.findall(r"^  (\S+), once: (.+)\n +(.+)$", rest, re.MULTILINE)
    numbers = [int(number) for number in re.findall(r"\d+", rows[-1])]
    tally = Tally(**dict(zip(("received", "routed", "review", "failed", "open"), numbers, strict=True)))
    return Report(
        documents=documents, alerts=[dict(zip(("kind", "title", "fix"), alert, strict=True)) | {"count": 1}],
        totals=tally, refused=[],
    )  # fmt: skip
