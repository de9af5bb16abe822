"""``mailroom config show``: what is in force and where it comes from, and never a secret."""

import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from receiver.cli import cli
from receiver.core.errors import Misconfigured
from receiver.core.operators import hash_token
from receiver.settings import VARIABLES, Secret, Settings
from tests.processes import environment

TABLE = """\
classify:
  rules:
    - {type: invoice, description: has a number}
routes:
  - type: invoice
    min_confidence: 0.8
    to:
      - {to: "s3://bucket/in/", access_key: KEY, secret_key: SECRET}
      - {to: "https://bob:SECRET@h.example/x?token=SECRET", secret: env:HOOK}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
alerts:
  - kind: [job.failed]
    to: slack:https://hooks.slack.com/services/T0/B0/SECRET
    secret: SECRET
    headers: {Authorization: SECRET}
    escalate: {to: "pagerduty:SECRET", after: 5 minutes}
"""


def run(env: Mapping[str, str], *options: str, catch: bool = False) -> Result:
    with mock.patch.dict("os.environ", environment(HOOK="whsec_the-hook", **env), clear=True):
        return CliRunner().invoke(cli, ["config", "show", *options], catch_exceptions=catch)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "mailroom.yaml"
    path.write_text(TABLE)
    return path


def shown(
    env: Mapping[str, str], *options: str
) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[Any, int | None]]]:
    found = json.loads(run(env, *options, "--json").stdout)
    settings = {item["name"]: (item["value"], item["source"]) for item in found["settings"]}
    return settings, {item["place"]: (item["value"], item["line"]) for item in found["values"]}


def test_each_setting_says_where_it_comes_from(table: Path, tmp_path: Path) -> None:
    held = tmp_path / "token"
    held.write_text("a-token-secret-in-a-file")
    env = {
        "MAILROOM_CONFIG": str(table),
        "MAILROOM_ADOPT": "true",
        "MAILROOM_SPOOL": "",
        "MAILROOM_OPERATOR_ADDRESS": "",
        "MAILROOM_TOKEN_SECRETS_FILE": str(held),
    }
    settings, _ = shown(env)
    assert set(settings) == set(VARIABLES.values())
    assert {name: found for name, found in settings.items() if found[1] != "default"} == {
        "MAILROOM_CONFIG": (str(table), "variable"),
        "MAILROOM_ADOPT": ("true", "variable"),
        "MAILROOM_OPERATOR_ADDRESS": ("", "variable"),
        "MAILROOM_TOKEN_SECRETS": ("set", f"file {held}"),
    }
    assert set(shown(env, "--no-defaults")[0]) == {name for name, found in settings.items() if found[1] != "default"}


def test_each_value_of_the_file_has_its_line_and_a_default_has_none(table: Path) -> None:
    _, values = shown({}, "--config", str(table))
    assert values["routes[0].min_confidence"] == (0.8, 6)
    assert values["routes[0].continue"] == (False, None)
    assert values["deadline"] == ("10 minutes", None)
    assert values["routes[0].to[1].secret"] == ("env:HOOK", 9)
    assert values["routes[0].to[1].to"] == ("https://(hidden)@h.example/x?(hidden)", 9)
    lines = TABLE.splitlines()
    for place, (_, line) in values.items():
        if line is not None:
            key = place.rpartition(".")[2].partition("[")[0]
            assert key in lines[line - 1] or key == "to", place
    printed = run({}, "--config", str(table)).stdout
    assert f"{table}:6" in printed
    assert all(line is not None for _, line in shown({}, "--config", str(table), "--no-defaults")[1].values())


def test_the_earlier_key_of_alert_kinds_has_its_line_too(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.yaml"
    path.write_text(TABLE.replace("kind:", "on:"))
    assert shown({}, "--config", str(path))[1]["alerts[0].on"] == (["job.failed"], 14)


SECRETS = st.text(string.ascii_letters + string.digits, min_size=24, max_size=40)
SECRET_SETTINGS = [variable for name, variable in VARIABLES.items() if isinstance(getattr(Settings(), name), Secret)]


def _around(variable: str, secret: str) -> str:
    """The secret in the form that the setting has."""
    return {
        "MAILROOM_WEBHOOK_HEADERS": json.dumps({"X-Mailroom-Key": [secret]}),
        "MAILROOM_HEARTBEAT_URL": f"https://watchdog.example/{secret}",
        "MAILROOM_OPERATORS": json.dumps({"ann": {"role": "viewer", "token_sha256": hash_token(secret.encode())}}),
        "MAILROOM_SMTP_URL": f"smtps://me:{secret}@mail.example",
    }.get(variable, secret)


@hypothesis_settings(deadline=None, max_examples=10)
@given(secret=SECRETS)
@example(secret="1" * 24)
def test_no_secret_of_a_setting_or_of_the_file_is_shown(table: Path, secret: str) -> None:
    path = table.with_name("secret.yaml")
    path.write_text(TABLE.replace("SECRET", secret).replace("KEY", secret))
    env = {variable: _around(variable, secret) for variable in SECRET_SETTINGS}
    printed = run(env, "--config", str(path), "--json")
    assert printed.exit_code == 0
    assert secret not in printed.output


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"MAILROOM_CONFIG": "nowhere.yaml"}, "there is no nowhere.yaml"),
        ({"MAILROOM_ADOPT": "perhaps"}, "MAILROOM_ADOPT=perhaps"),
        ({"MAILROOM_TOKEN_SECRETS_FILE": "/nowhere"}, "/nowhere cannot be read"),
        ({"MAILROOM_ADMIN_TOKEN": "t" * 20, "MAILROOM_ADMIN_TOKEN_FILE": "/x"}, "both set"),
    ],
)
def test_what_cannot_be_read_is_a_wrong_configuration_not_half_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured, match=told):
        run(env)
    assert list(tmp_path.iterdir()) == []
