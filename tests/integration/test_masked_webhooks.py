"""Saved webhooks whose credentials come back masked: the commands, against the stand-in."""

import json

import pytest
from click.testing import CliRunner, Result

from llamacloud_sandbox.testing import sandbox_in_thread
from receiver.cli import cli


@pytest.mark.parametrize("masked", [True, False])
def test_after_apply_there_is_no_drift(masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def webhooks(command: str) -> Result:
        return CliRunner().invoke(cli, ["webhooks", command, *(["--json"] if command != "apply" else [])])

    with sandbox_in_thread(mask_headers=masked) as url:
        for name, value in {
            "LLAMA_CLOUD_API_KEY": "llx-a-key-for-tests",
            "LLAMA_CLOUD_BASE_URL": url,
            "MAILROOM_PUBLIC_URL": "http://127.0.0.1:8080",
            "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["a-key-of-the-samples"]}',
        }.items():
            monkeypatch.setenv(name, value)
        assert webhooks("apply").exit_code == 0
        found = webhooks("drift")
        assert (found.exit_code, json.loads(found.output)["drift"]) == (0, [])
        untold = json.loads(found.output)["not_comparable"]
        assert [item.split(": ", 1)[1] for item in untold] == (
            ["header X-Mailroom-Key: LlamaCloud masks its value"] if masked else []
        )
        monkeypatch.setenv("MAILROOM_WEBHOOK_HEADERS", '{"X-Mailroom-Key": ["another-key-of-samples"]}')
        assert webhooks("drift").exit_code == 1  # the ends that a mask shows are compared, too
