"""The alert rules and the dashboard speak of metrics that exist, and each alert has its section in the runbook."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from receiver.metrics import METRICS
from scripts.reference.metrics import families
from tests.infra import ROOT

FOLDER = ROOT / "infra" / "observability"
RUNBOOK = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
]
OF_PROMETHEUS = {"instance", "job", "le"}
"""Labels that Prometheus adds, and that of a histogram's buckets."""


SAMPLES = {sample.name: set(sample.labels) for family in families() for sample in family.samples}
"""Every name that a scrape can have, with its labels."""


def labels_of(expr: str) -> Iterator[str]:
    """The labels by which it matches and groups."""
    for matchers in re.findall(r"\{([^}]*)\}", expr):
        yield from re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)
    for group in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expr):
        yield from (label.strip() for label in group.split(","))


@pytest.mark.parametrize(("where", "expr"), QUERIES)
def test_a_query_names_metrics_and_labels_that_exist(where: str, expr: str) -> None:
    named = set(re.findall(r"\bmailroom_\w+", expr))
    assert named or "up{" in expr
    assert named <= set(SAMPLES), where
    known = OF_PROMETHEUS.union(*(SAMPLES[name] for name in named))
    assert set(labels_of(expr)) <= known, where


def test_prometheus_itself_accepts_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (scripts/ci-tools installs it)")
    checked = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", FOLDER / "alerts.yml"],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_leads_to_its_section(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook"] == f"docs/observability.md#{rule['alert'].lower()}"
    section = RUNBOOK.partition(f"### {rule['alert']}\n")[2].partition("\n### ")[0]
    assert "**Do:** " in section
    by = set(labels_of(rule["expr"])) | set().union(
        *(SAMPLES[name] for name in re.findall(r"\bmailroom_\w+", rule["expr"]))
    )
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= by | OF_PROMETHEUS


def test_the_runbook_has_no_section_without_an_alert() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]


def lost(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """What the second one does not have of the first, or has otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after[key], f"{where}.{key}") if key in after else [f"{where}.{key}"]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from lost(*pair, f"{where}[{number}]")
    elif before != after:
        yield where


def read_by_grafana(dashboard: dict[str, Any]) -> Any:
    """The dashboard through Grafana's own model, which drops what it does not know."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def test_grafanas_own_model_knows_all_that_is_in_the_dashboard() -> None:
    assert list(lost(DASHBOARD, read_by_grafana(DASHBOARD))) == []


def test_what_grafana_would_not_know_is_found() -> None:
    wrong = copy.deepcopy(DASHBOARD)
    wrong["refesh"] = "30s"
    wrong["panels"][0]["fieldConfig"]["defaults"]["units"] = "s"
    wrong["panels"][0]["targets"][0]["expression"] = "up"
    expected = [".panels[0].targets[0].expression", ".panels[0].fieldConfig.defaults.units", ".refesh"]
    assert sorted(lost(wrong, read_by_grafana(wrong))) == sorted(expected)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_panel_has_a_unit_and_the_chosen_data_source(panel: dict[str, Any]) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert panel["fieldConfig"]["defaults"]["unit"] in {"short", "s", "ops"}
    assert panel["datasource"] == {"type": variable["query"], "uid": f"${{{variable['name']}}}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_every_panel_has_its_own_number_and_its_own_place() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_the_dashboard_shows_every_timing() -> None:
    shown = " ".join(expr for _, expr in QUERIES)
    for name, metric in METRICS.items():
        assert not metric.timing or f"{name}_bucket" in shown
