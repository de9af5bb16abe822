"""An alert's key is `kind`, which every YAML reader takes for text; `on`, the earlier one, still works."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from receiver.config import load
from receiver.config.build import schema
from receiver.config.source import read_config
from receiver.core.errors import Misconfigured

FILE = """\
classify: {rules: [{type: invoice, description: has a number and a total amount}]}
routes: [{type: invoice, to: folder:///mail/}]
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
alerts: [{KEY: [job.failed, "delivery.*"], to: log}]
alerting: {severities: [{KEY: job.failed, severity: critical}]}
"""


def written(key: str, tmp_path: Path) -> Path:
    path = tmp_path / "mailroom.yaml"
    path.write_text(FILE.replace("KEY", key))
    return path


def as_1_2(path: Path) -> Any:
    """By our own reader, which takes only true and false for booleans, as YAML 1.2 does."""
    return json.loads(json.dumps(read_config(path.read_text(), path).data))


def faults(data: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema()).iter_errors(data)]


def test_the_schema_holds_for_readers_of_yaml_1_1_and_1_2(tmp_path: Path) -> None:
    path = written("kind", tmp_path)
    assert faults(yaml.safe_load(path.read_text())) == []  # PyYAML reads YAML 1.1
    assert faults(as_1_2(path)) == []


@pytest.mark.parametrize("key", ["on", "'on'"])
def test_the_earlier_key_means_the_same_and_is_in_the_schema(key: str, tmp_path: Path) -> None:
    earlier, now = load(str(written(key, tmp_path)), {}), load(str(written("kind", tmp_path)), {})
    assert (earlier.alerts, earlier.alerting) == (now.alerts, now.alerting)
    assert faults(as_1_2(written(key, tmp_path))) == []


def test_both_keys_at_once_or_none_are_refused(tmp_path: Path) -> None:
    for text, said in (
        ("kind: x, on", "alerts[0].on: is not a known key"),
        ("min_severity: info, at_most", "kind: is missing"),
    ):
        path = tmp_path / "mailroom.yaml"
        path.write_text(FILE.replace("[{KEY: [job.failed", "[{" + text + ": [job.failed", 1).replace("KEY", "kind"))
        with pytest.raises(Misconfigured) as refused:
            load(str(path), {})
        assert said in str(refused.value)
        assert faults(as_1_2(path)) != []
