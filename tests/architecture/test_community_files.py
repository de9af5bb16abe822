"""What GitHub shows to whoever reports something: forms that it can read, and a private way for vulnerabilities."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FORMS = sorted(item for item in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if item.name != "config.yml")
INPUTS = {"textarea", "input", "dropdown"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_requires(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    assert form["name"]
    assert form["description"]
    assert {item["type"] for item in form["body"]} <= INPUTS | {"markdown"}
    asked = [item for item in form["body"] if item["type"] in INPUTS]
    ids = [item["id"] for item in asked]
    assert len(set(ids)) == len(ids) > 0
    assert all(item["attributes"]["label"] for item in asked)
    assert all(item["attributes"]["options"] for item in asked if item["type"] == "dropdown")
    assert any(item.get("validations", {}).get("required") for item in asked)


def test_a_bug_report_asks_for_no_secret_and_sends_vulnerabilities_elsewhere() -> None:
    bug = next(item for item in FORMS if item.stem == "bug").read_text("utf-8")
    assert "SECURITY.md" in bug
    assert "Leave out keys" in bug


def test_the_pages_for_contributors_name_files_that_are_there() -> None:
    pages = [ROOT / "SECURITY.md", ROOT / ".github" / "pull_request_template.md"]
    named = {name for page in pages for name in re.findall(r"[\w/]+\.md|scripts/[\w-]+", page.read_text("utf-8"))}
    assert {"docs/security.md", "CONTRIBUTING.md", "scripts/make-docs"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
