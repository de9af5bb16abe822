"""A destination or channel that nobody can read about does not exist."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.alerts.registry import CHANNELS
from handlers.destinations.registry import destinations
from receiver.core.object_key import FIELDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("scheme", sorted(destinations(environ={})))
def test_every_destination_is_documented(scheme: str) -> None:
    text = DOCS.joinpath("destinations.md").read_text()
    assert f"`{scheme}://" in text or f"scheme `{scheme}`" in text


@pytest.mark.parametrize("module", ["s3", "sqs", "sns", "events", "states", "folder", "http"])
def test_every_option_of_a_destination_is_documented(module: str) -> None:
    text = DOCS.joinpath("destinations.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(importlib.import_module(f"handlers.destinations.{module}").OPTIONS) <= rows


def test_every_field_of_a_path_is_documented() -> None:
    text = DOCS.joinpath("destinations.md").read_text()
    assert [name for name in FIELDS if f"`{{{name}}}`" not in text] == []


@pytest.mark.parametrize("scheme", sorted(CHANNELS))
def test_every_alert_channel_is_documented(scheme: str) -> None:
    text = DOCS.joinpath("alerts.md").read_text()
    assert f"| `{scheme}" in text or f"scheme `{scheme}`" in text


@pytest.mark.parametrize("module", ["handlers.destinations", "handlers.alerts"])
def test_naming_all_handlers_loads_no_client_library(module: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    heavy = {"boto3", "botocore", "httpx", "smtplib", "standardwebhooks"}
    assert heavy & set(said.stdout.split()) == set()
