"""What the commands print, on a terminal and into a pipe."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from receiver.cli.output import Cell, plain, say, table, write_whole

COLUMNS = ("document", "name", "where")
ROW = (
    "doc_lunwiksu4asbkuwr3vbz5vpd",
    "bread.pdf",
    ["no rule fits", "s3://mail/unsorted/doc_lunwiksu4asbkuwr3vbz5vpd/b"],
)


def on_a_terminal(columns: Sequence[str], row: Sequence[Cell], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that a table becomes on a terminal of 60 columns, without colours."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    table(columns, [row])
    return screen.getvalue().splitlines()


def test_a_pipe_gets_whole_lines_without_blanks_at_their_end(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, [ROW])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["document", "name", "where"],
        [lines[1].strip()],
        ["doc_lunwiksu4asbkuwr3vbz5vpd", "bread.pdf", "no", "rule", "fits"],
        ["s3://mail/unsorted/doc_lunwiksu4asbkuwr3vbz5vpd/b"],
    ]
    assert lines == [line.rstrip() for line in lines]


def test_on_a_narrow_terminal_no_cell_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_a_terminal(COLUMNS, ROW, monkeypatch) == [
        "doc_lunwiksu4asbkuwr3vbz5vpd  bread.pdf  no rule fits",
        "    s3://mail/unsorted/doc_lunwiksu4asbkuwr3vbz5vpd/b",
    ]


def test_a_terminal_that_is_wide_enough_shows_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    header, rule, row = on_a_terminal(("taken in", "open"), (3, 0), monkeypatch)
    assert "taken in" in header
    assert set(rule.strip()) == {"─"}
    assert row.split() == ["3", "0"]


def test_a_name_from_outside_cannot_steer_the_terminal_nor_break_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name",), [("a\x1b[31m\nb\u202efdp.exe",)])
    assert "a\N{REPLACEMENT CHARACTER}[31m b\N{REPLACEMENT CHARACTER}fdp.exe" in capsys.readouterr().out
    assert plain("two\nlines") == "two\nlines"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_terminal_whose_encoding_lacks_a_letter_gets_its_number(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding=encoding) as out, path.open("a", encoding=encoding) as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        write_whole()
        table(("", "name"), [("✔", "łódź.pdf")])
        say("✔ łódź.pdf")
        sys.stdout.flush()
        monkeypatch.undo()
    assert path.read_bytes().count(rb"\u2714") == 2
    assert path.read_bytes().count(b"\\u0142\xf3d\\u017a.pdf") == 2  # the encoding has ó
