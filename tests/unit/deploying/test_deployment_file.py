"""mailroom.deploy.yaml: read with line and fix, merged by stage, turned into parameters that serverless.yml has."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import Misconfigured
from scripts.deploying.deployment_file import deployment_schema, parse_deployment, read_deployment
from scripts.deploying.deployment_model import StageSettings
from tests.infra import ROOT, service

WHOLE = (ROOT / "infra" / "mailroom.deploy.example.yaml").read_text(encoding="utf-8")
PARAMETERS = set(service()["params"]["default"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regoin: eu-central-1", "mailroom.deploy.yaml:1: regoin: is not a known key; did you mean region?"),
        ("region: Frankfurt", 'region: has the wrong format (got \'Frankfurt\'); write "region: eu-central-1"'),
        ("\n\nalert_email: nobody", "mailroom.deploy.yaml:3: alert_email: 'nobody' is not an e-mail address"),
        ("concurrency: {process: 1}", "concurrency.process: must be at least 2 (got 1)"),
        ("secrets:\n  SLACK_WEBHOOK_URL: hooks.slack.com/abc", "yaml:1: secrets: SLACK_WEBHOOK_URL is neither 'stage'"),
        ("variables: {1X: a}", "'1X' is not the name of a variable"),
        ("public_url: http://mail.example.com", "is not an https:// address; write it like https://mail.example.com"),
        ("stages:\n  prod:\n    retention: {logs_days: 31}", "mailroom.deploy.yaml:3: stages.prod.retention.logs_days"),
        ("stages: {Dev: {region: eu-west-1}}", "stages.Dev: the stage is called 'dev'; write it like that"),
        ("region: eu-west-1\nregion: us-east-1", "mailroom.deploy.yaml:2: region: is a duplicate key"),
        ("- region", "the file must be a section with keys"),
        ("domain: {name: mail.example.com}", "domain.certificate: is missing; write \"certificate: arn:aws:acm"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_line_and_fix(text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        parse_deployment(text, "dev")
    assert said in str(refused.value) + f"; {refused.value.fix}"


def test_a_stages_own_settings_come_before_the_common_ones() -> None:
    text = (
        "region: eu-west-1\nretention: {logs_days: 30, inbox_days: 10}\nstages: {prod: {retention: {logs_days: 365}}}"
    )
    prod, dev = (parse_deployment(text, name) for name in ("prod", "dev"))
    assert (prod.values.retention.logs_days, prod.values.retention.inbox_days) == (365, 10)
    assert (dev.values.retention.logs_days, prod.values.region) == (30, "eu-west-1")
    assert prod.where("retention.logs_days") == "mailroom.deploy.yaml:3"
    assert dev.where("retention.logs_days") == "mailroom.deploy.yaml:2"


def test_without_a_file_everything_is_the_default(tmp_path: Path) -> None:
    settings = read_deployment(None, "dev", folder=tmp_path)
    assert (settings.values, settings.where("region")) == (StageSettings(), "")
    with pytest.raises(Misconfigured, match="there is no"):
        read_deployment(Path("other.yaml"), "dev", folder=tmp_path)


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-central-1", "https://api.cloud.eu.llamaindex.ai"),
        ("us-east-1", "https://api.cloud.llamaindex.ai"),
        ("ap-southeast-2", "https://api.cloud.llamaindex.ai"),
    ],
)
def test_llamacloud_is_asked_on_the_regions_side_unless_the_file_says_otherwise(region: str, address: str) -> None:
    assert parse_deployment("", "dev").parameters(region)["llamaCloud"] == address
    said = parse_deployment("llama_cloud: us", "dev").parameters(region)["llamaCloud"]
    assert said == "https://api.cloud.llamaindex.ai"


def test_every_parameter_that_the_file_sets_is_one_of_the_template() -> None:
    settings = parse_deployment(WHOLE, "prod").parameters("eu-central-1")
    optional = {"receiveConcurrency", "processConcurrency"}
    assert set(settings) - optional <= PARAMETERS
    assert (settings["operator"], settings["xray"], settings["data"]) == ("off", "Active", "Retain")
    assert settings["publicUrl"] == "https://mail.example.com"
    assert settings["inboxBuckets"] == ",acme-scans/in/"


def test_a_shadow_table_is_named_to_the_functions_where_one_is_packaged() -> None:
    assert parse_deployment("shadow: next.yaml", "dev").parameters("eu-central-1")["shadow"] == "shadow.yaml"
    assert "shadow" not in parse_deployment("", "dev").parameters("eu-central-1")


def test_the_example_uses_every_key_and_fits_the_schema() -> None:
    data = yaml.safe_load(WHOLE)
    jsonschema.validate(data, deployment_schema())
    flat = {**data, **data["stages"]["prod"]}
    assert set(StageSettings.model_fields) - set(flat) == set()


def test_the_schema_in_the_docs_is_current() -> None:
    kept = (ROOT / "docs" / "mailroom.deploy.schema.json").read_text(encoding="utf-8")
    assert json.loads(kept) == deployment_schema(), "run scripts/make-docs"


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "deploy-aws.md").read_text(encoding="utf-8")
    assert [key for key in StageSettings.model_fields if f"`{key}" not in page] == []


KEYS = st.sampled_from([*StageSettings.model_fields, "x", "stages"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:{}[]1-\"' é", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text("ab.1é", max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_stands_in_it_is_read_or_refused_by_line(data: dict[str, object]) -> None:
    text = yaml.safe_dump(data)
    try:
        settings = parse_deployment(text, "dev")
    except Misconfigured as refused:
        assert all(re.match(r"mailroom\.deploy\.yaml(:\d+)?: ", line) for line in str(refused).split("\n"))
    else:
        assert all(isinstance(value, str) for value in settings.parameters("eu-central-1").values())
