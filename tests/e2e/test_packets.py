"""A packet as a user hands it over: cut, each letter in its place, each page the same as in the packet."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_main_job import SAMPLES, demo
from tests.integration.test_cutting import shown

MORNING = SAMPLES / "packets" / "morning-mail.pdf"

pytestmark = [pytest.mark.slow, pytest.mark.aws]

RULES = (SAMPLES / "mailroom.yaml").read_text().partition("\nroutes:")[0]
TYPES = ("invoice", "receipt", "contract", "bank_statement", "resume", "letter", "form", "purchase_order")


def table(folder: Path, *, then: str = "classify", path: str = "auto") -> Path:
    """The sample rules, with every type going to a folder."""
    rules = RULES.replace("then: classify", f"then: {then}\n  path: {path}")
    rows = "".join(f"  - {{type: {item}, to: ['folder://{folder}/{item}/']}}\n" for item in TYPES)
    ways = f"no_match: {{to: ['folder://{folder}/unsorted/']}}\nlow_confidence: {{review: true}}\n"
    rest = f"failed: {{review: true}}\npacket: {{to: ['folder://{folder}/packets/']}}\n"
    made = folder / "mailroom.yaml"
    made.write_text(f"{rules}\nroutes:\n{rows}{ways}{rest}")
    return made


def cut(folder: Path, **how: str) -> dict[str, Any]:
    code, report, stderr = demo("--packet", str(MORNING), MAILROOM_CONFIG=str(table(folder, **how)))
    assert code == 0, stderr
    return report


def pieces(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in report["documents"] if "parent" in item]


def true_pages() -> list[list[int]]:
    """The pages of each letter; a separator sheet goes with the letter before it."""
    found: list[list[int]] = []
    for item in json.loads(MORNING.with_suffix(".json").read_text())["pieces"]:
        if item["category"] == "blank":
            found[-1] += item["pages"]
        else:
            found.append(list(item["pages"]))
    return found


def file_of(piece: dict[str, Any]) -> Path:
    (delivery,) = piece["deliveries"]
    return Path(delivery["location"].removeprefix("folder://"))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return cut(tmp_path_factory.mktemp("mail"))


def test_each_letter_of_the_packet_is_a_document_with_its_pages(report: dict[str, Any]) -> None:
    (packet,) = [item for item in report["documents"] if "parent" not in item]
    assert {item["parent"] for item in pieces(report)} == {packet["document_id"]}
    assert [item["pages"] for item in pieces(report)] == true_pages()


def test_each_piece_is_its_pages_in_text_and_picture(report: dict[str, Any]) -> None:
    whole = shown(MORNING)
    for piece in pieces(report):
        assert shown(file_of(piece)) == [whole[page - 1] for page in piece["pages"]]


def test_the_packet_is_archived_with_a_manifest_of_all_its_pieces(report: dict[str, Any]) -> None:
    (packet,) = [item for item in report["documents"] if "parent" not in item]
    assert packet["state"] == "routed"
    archived = file_of(packet)
    assert archived.read_bytes() == MORNING.read_bytes()
    manifest = json.loads(archived.with_name(archived.name + ".mailroom.json").read_text())
    assert [item["pages"] for item in manifest["pieces"]] == true_pages()
    assert all(Path(item["locations"][0].removeprefix("folder://")).is_file() for item in manifest["pieces"])


def test_the_manifest_beside_a_piece_names_packet_pages_and_jobs(report: dict[str, Any]) -> None:
    first = pieces(report)[0]
    place = file_of(first)
    manifest = json.loads(place.with_name(place.name + ".mailroom.json").read_text())
    assert (manifest["packet"]["parent_id"], manifest["packet"]["pages"]) == (first["parent"], [1])
    assert manifest["packet"]["confidence"] == "high"
    assert manifest["packet"]["split_job_id"].startswith("spl-")
    assert manifest["llamacloud"]["job_id"]


def test_the_books_count_the_packet_and_its_pieces(report: dict[str, Any]) -> None:
    totals = report["balance"]
    assert (totals["taken_in"], totals["open"]) == (1 + len(true_pages()), 0)


@pytest.mark.parametrize("how", [{"then": "route"}, {"path": "beta"}], ids=["by-category", "beta"])
def test_every_way_of_splitting_places_the_same_letters(how: dict[str, str], tmp_path: Path) -> None:
    report = cut(tmp_path, **how)
    assert [item["pages"] for item in pieces(report)] == true_pages()
    assert {item["state"] for item in report["documents"]} == {"routed"}
