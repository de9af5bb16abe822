"""``mailroom listen`` against the stand-in: no receiver, no webhook, and every document where it belongs."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from llamacloud_sandbox.testing import sandbox_in_thread
from tests.command_line import mailroom
from tests.processes import TABLE, ran, running, working

LETTERS = {
    "invoice.txt": "INVOICE\nInvoice number 2026-17\nLine items: 3 boxes of paper\nTotal amount due: 40.00 EUR\n",
    "contract.txt": "AGREEMENT\nThis agreement between the parties sets out obligations.\nSignatures: A. B.\n",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    with sandbox_in_thread(think_seconds=0.0) as url:
        yield url


def settings(cloud: str, **more: str) -> Mapping[str, str]:
    """Without any secret: nobody can send an event."""
    given = working(LLAMA_CLOUD_BASE_URL=cloud, MAILROOM_PUBLIC_URL="none", **more)
    return {name: value for name, value in given.items() if name != "MAILROOM_TOKEN_SECRETS"}


def test_documents_arrive_without_a_webhook_and_the_totals_add_up(tmp_path: Path, cloud: str) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    for name, text in LETTERS.items():
        (tmp_path / name).write_text(text)
    env = settings(cloud)
    filed = tmp_path / "out"
    with running(tmp_path, "listen", "--every", "0.2", env=env, ready="listen.ready") as listening:
        page = listening.said("listen.ready")[0]["operator"]
        assert httpx.get(f"{page}/readyz").status_code == 200
        submitted = ran(tmp_path, "submit", *LETTERS, "--wait", env=env)
        assert submitted.code == 0, submitted
        found = {path.name for path in filed.rglob("*.txt")}
    assert {name for name in LETTERS if any(name in item for item in found)} == set(LETTERS)
    balance = json.loads(ran(tmp_path, "balance", "--json", env=env).out)
    assert balance["open"] == 0
    jobs = httpx.get(f"{cloud}/api/v2/classify", headers={"Authorization": "Bearer llx-a-key-for-tests"}).json()
    assert len(jobs["items"]) == len(LETTERS)


def test_doctor_says_that_results_are_asked_for_and_watches_its_job_end(tmp_path: Path, cloud: str) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    done = mailroom(tmp_path, "doctor", "--json", env=settings(cloud))
    found = {item["what"]: item for item in json.loads(done.out)["findings"]}
    assert found["public URL"] == {
        "what": "public URL", "fine": True, "detail": "MAILROOM_PUBLIC_URL=none: `mailroom listen` asks for results"
    }  # fmt: skip
    assert found["self-test job"]["fine"], found
    assert "the end (completed)" in found["self-test job"]["detail"]
    assert "mailroom submit FILE" not in done.out
    assert "next:\n  mailroom submit FILE" in mailroom(tmp_path, "doctor", "--no-job", env=settings(cloud)).out


@pytest.mark.parametrize(
    ("command", "public_url", "told"),
    [
        ("listen", "https://mail.example.com", "run `mailroom serve`"),
        ("serve", "none", "run `mailroom listen`"),
        ("worker", "none", "run `mailroom listen`"),
        ("webhooks apply", "none", "there is no address to save"),
        ("trigger classify.success", "none", "give --to URL"),
    ],
)
def test_a_command_that_does_not_go_with_the_public_url_says_which_does(
    tmp_path: Path, cloud: str, command: str, public_url: str, told: str
) -> None:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    env = working(LLAMA_CLOUD_BASE_URL=cloud, MAILROOM_PUBLIC_URL=public_url)
    refused = mailroom(tmp_path, *command.split(), env=env)
    assert refused.code == 2, refused
    assert told in refused.err


def test_init_writes_what_listen_runs_with(tmp_path: Path, cloud: str) -> None:
    done = mailroom(
        tmp_path,
        "init",
        "--public-url",
        "none",
        "--base-url",
        cloud,
        env={**os.environ, "LLAMA_CLOUD_API_KEY": "llx-k"},
    )
    assert done.code == 0, done
    assert "mailroom listen" in done.out
    assert "MAILROOM_PUBLIC_URL=none" in (tmp_path / ".env").read_text()
