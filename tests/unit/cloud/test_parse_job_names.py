"""The name of the PDF that LlamaCloud has of a parse job."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud import wire
from receiver.cloud.parse_jobs import as_file


def named(name: str | None) -> str:
    return as_file(wire.ParseJobPayload(job=wire.ParseJob(id="pjb-1", name=name)), "pjb-1").name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, ""),
        ("scan.docx", "scan.pdf"),
        ("scan.PDF", "scan.pdf"),
        ("invoice No. 4", "invoice No. 4.pdf"),
        ("report v1.2 final", "report v1.2 final.pdf"),
        (".docx", ".docx.pdf"),
        ("/", "/.pdf"),
    ],
)
def test_only_an_extension_is_replaced(name: str | None, expected: str) -> None:
    assert named(name) == expected


@given(st.text(min_size=1, max_size=40))
def test_any_name_can_be_told(name: str) -> None:
    assert named(name).endswith(".pdf")
