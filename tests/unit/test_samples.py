"""The sample mail: what is committed is what the script makes, and each file is what its README says it is."""

import importlib.util
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import yaml
from PIL import Image, ImageChops, ImageStat

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
BY_HAND = {"README.md", "mailroom.yaml"}
SCAN = "packets/scanned-mail.pdf"
LOCKED, NOT_A_PDF = "locked-payslip.pdf", "statement-download.pdf"
PACKETS = ("morning-mail", "scanned-mail")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def documents() -> list[str]:
    return sorted(name for name in names(SAMPLES) if "/" not in name and name.endswith(".pdf"))


def hostile() -> str:
    (name,) = [name for name in documents() if name.startswith("..")]
    return name


def texts(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as pdf:
        return [page.get_textpage().get_text_range().strip() for page in pdf]


def pictures(path: Path) -> list[Image.Image]:
    with pypdfium2.PdfDocument(path) as pdf:
        return [page.render(scale=0.5, grayscale=True).to_pil().convert("L") for page in pdf]


def truth(packet: str) -> dict[str, Any]:
    return dict(json.loads((SAMPLES / "packets" / f"{packet}.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the script has just filled."""
    if importlib.util.find_spec("reportlab") is None:
        pytest.skip("reportlab is not installed (a development dependency)")
    folder = tmp_path_factory.mktemp("samples")
    done = subprocess.run(
        [sys.executable, "-m", "llamacloud_sandbox.sample_mail", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_committed_files_are_byte_for_byte_what_the_script_makes(made: Path) -> None:
    assert names(made) == names(SAMPLES) - BY_HAND
    other = [name for name in names(made) - {SCAN} if (made / name).read_bytes() != (SAMPLES / name).read_bytes()]
    assert other == [], "run scripts/make-samples and commit what it wrote"


def test_the_committed_scan_looks_like_what_the_script_makes(made: Path) -> None:
    pairs = zip(pictures(made / SCAN), pictures(SAMPLES / SCAN), strict=True)
    differences = [ImageStat.Stat(ImageChops.difference(fresh, kept)).mean[0] for fresh, kept in pairs]
    assert max(differences) < 4, "grey levels of 255, on average over a page"


def test_every_page_of_an_ordinary_sample_has_text() -> None:
    ordinary = [name for name in documents() if name not in (LOCKED, NOT_A_PDF)]
    assert len(ordinary) >= 18
    assert [name for name in ordinary if any(len(text) < 40 for text in texts(SAMPLES / name))] == []


def test_the_locked_sample_opens_only_with_the_password_in_the_readme() -> None:
    with pytest.raises(pypdfium2.PdfiumError, match="password"):
        pypdfium2.PdfDocument(SAMPLES / LOCKED)
    assert "`open-sesame`" in (SAMPLES / "README.md").read_text("utf-8")
    with pikepdf.open(SAMPLES / LOCKED, password="open-sesame") as pdf:
        assert pdf.is_encrypted
        assert len(pdf.pages) == 1


def test_the_false_pdf_is_html_and_no_reader_opens_it() -> None:
    assert (SAMPLES / NOT_A_PDF).read_bytes().startswith(b"<!DOCTYPE html>")
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(SAMPLES / NOT_A_PDF)


def test_the_hostile_name_has_every_trick_and_is_still_a_legal_file_name() -> None:
    name = hostile()
    for trick in ("..", "%2F", "\\", "{type}", '"', "'", "$(", "`", "<b>", "%s", "\u202e", "\x07", " ", "\U0001f4ce"):
        assert trick in name
    assert "/" not in name
    assert len(name.encode()) <= 255


def test_the_forms_fields_are_real_and_filled_in() -> None:
    with pikepdf.open(SAMPLES / "form-household-claim.pdf") as pdf:
        values = {str(field.T): str(field.V) for field in list(pdf.Root.AcroForm.Fields)}
    assert values["name"] == "Rosalind Achterberg"
    assert values["cause_escape"] == "/Yes"
    assert values["cause_fire"] == "/Off"
    assert len(values) == 25
    assert all(values.values())


@pytest.mark.parametrize("packet", PACKETS)
def test_the_truth_about_a_packet_names_each_page_once(packet: str) -> None:
    told = truth(packet)
    counted = [page for piece in told["pieces"] for page in piece["pages"]]
    with pypdfium2.PdfDocument(SAMPLES / "packets" / told["packet"]) as pdf:
        assert counted == list(range(1, len(pdf) + 1))
    assert told["pages"] == len(counted)
    types = [piece["category"] for piece in told["pieces"]]
    assert ("invoice", "invoice") in pairwise(types)


def test_the_pages_of_the_morning_mail_are_those_of_its_samples() -> None:
    pages = texts(SAMPLES / "packets" / "morning-mail.pdf")
    assert 12 <= len(pages) <= 16
    for piece in truth("morning-mail")["pieces"]:
        inside = [pages[number - 1] for number in piece["pages"]]
        if piece["category"] == "blank":
            assert inside == [""]
        else:
            # Form fields have become page text in the packet, so a page may say more than its sample, never less.
            for got, wanted in zip(inside, texts(SAMPLES / piece["sample"]), strict=True):
                assert set(wanted.split()) <= set(got.split())


def test_the_scanned_mail_is_pictures_without_any_text() -> None:
    assert set(texts(SAMPLES / SCAN)) == {""}
    assert all(ImageStat.Stat(picture).stddev[0] > 5 for picture in pictures(SAMPLES / SCAN)), "a page is blank"


def test_the_readme_lists_every_file_and_no_other() -> None:
    lines = (SAMPLES / "README.md").read_text("utf-8").splitlines()
    listed = {line.removeprefix("| `").split("` | ")[0] for line in lines if line.startswith("| `")}
    assert listed == {json.dumps(name)[1:-1] for name in names(SAMPLES) - BY_HAND}


def test_every_rule_of_the_table_has_a_description_llamacloud_takes_and_a_route() -> None:
    table = yaml.safe_load((SAMPLES / "mailroom.yaml").read_text("utf-8"))
    rules = {rule["type"]: rule["description"] for rule in table["classify"]["rules"]}
    assert len(rules) == len(table["classify"]["rules"]) == 8
    assert [name for name, words in rules.items() if not 10 <= len(words) <= 500] == []
    assert {route["type"] for route in table["routes"]} == set(rules)
    told = {piece["category"] for packet in PACKETS for piece in truth(packet)["pieces"]}
    assert told <= {*rules, "blank", "uncategorized"}


def test_the_whole_folder_stays_small() -> None:
    assert sum((SAMPLES / name).stat().st_size for name in names(SAMPLES)) < 1_500_000
