"""What a function keeps between its invocations, and when it builds anew."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from handlers.functions import sweep, warm
from handlers.functions.warm import Warm
from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.errors import Misconfigured
from receiver.core.task import Task
from receiver.metrics import SummingMeter
from receiver.read_settings import from_environ
from receiver.secrets import TTL_SECONDS, SecretCache
from receiver.settings import Settings
from tests.receivers import TOKEN_SECRET, an_app

HEADERS = '{"X-Key": ["a-value-of-the-header"]}'


class Deployment:
    """An environment whose admin token lies in SSM, and what was built and closed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.token = "first"
        self.named = HEADERS
        self.built: list[str] = []
        self.closed: list[str] = []
        self.vault = SecretCache(lambda *_: self.token, clock=lambda: self.now)

    def settings(self) -> Settings:
        return from_environ(
            {
                "MAILROOM_ADMIN_TOKEN": "ssm:/token",
                "MAILROOM_TOKEN_SECRETS": TOKEN_SECRET,
                "MAILROOM_WEBHOOK_HEADERS": self.named,
            },
            vault=self.vault,
        )

    def build(self, settings: Settings) -> str:
        if settings.admin_token.reveal() == "bad":
            raise Misconfigured("a bad token")
        self.built.append(settings.admin_token.reveal())
        return settings.admin_token.reveal()

    async def close(self, built: str) -> None:
        self.closed.append(built)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    made = Deployment()
    monkeypatch.setattr(warm, "from_environ", made.settings)
    monkeypatch.setattr(warm, "VAULT", made.vault)
    return made


@pytest.fixture
def function(deployment: Deployment) -> Iterator[Warm[str]]:
    made = Warm(deployment.build, deployment.close)
    yield made
    made.end()


def test_it_builds_once(deployment: Deployment, function: Warm[str]) -> None:
    assert [function.built() for _ in range(3)] == ["first"] * 3
    assert deployment.built == ["first"]


def test_it_builds_anew_when_a_secret_was_rotated(deployment: Deployment, function: Warm[str]) -> None:
    function.built()
    deployment.token = "second"
    assert function.built() == "first"
    deployment.now += TTL_SECONDS
    assert function.built() == "second"
    assert deployment.closed == ["first"]


def test_it_goes_on_with_the_old_when_the_new_cannot_be_built(deployment: Deployment, function: Warm[str]) -> None:
    function.built()
    deployment.token = "bad"
    deployment.now += TTL_SECONDS
    assert function.built() == "first"


def test_it_does_not_start_with_what_cannot_be_built(deployment: Deployment, function: Warm[str]) -> None:
    deployment.token = "bad"
    with pytest.raises(Misconfigured):
        function.built()


def test_a_renewal_that_would_take_a_proof_away_is_refused(deployment: Deployment, function: Warm[str]) -> None:
    function.built()
    deployment.named, deployment.token = "", "second"
    deployment.now += TTL_SECONDS
    assert function.built() == "first"
    assert "headers" in str(function.refused)
    deployment.named = HEADERS
    assert function.built() == "second"
    assert function.refused is None


def test_a_refusal_looks_again_at_secrets_that_are_not_quite_fresh(deployment: Deployment, function: Warm[str]) -> None:
    function.built()
    deployment.token = "second"
    deployment.now += 5
    assert not function.look_again(after_seconds=10), "somebody who guesses must not make us ask all the time"
    deployment.now += 5
    assert function.look_again(after_seconds=10)
    assert function.built() == "second"


def test_looking_again_at_the_same_secrets_changes_nothing(deployment: Deployment, function: Warm[str]) -> None:
    function.built()
    deployment.now += 60
    assert not function.look_again(after_seconds=10)
    assert deployment.built == ["first"]


def test_all_work_runs_on_one_loop(function: Warm[str]) -> None:
    async def here() -> int:
        return id(asyncio.get_running_loop())

    function.built()
    assert function.run(here()) == function.run(here()) == id(asyncio.get_event_loop_policy().get_event_loop())


class Asked:
    """A function whose renewal was refused."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.refused: Misconfigured | None = Misconfigured("the secret is empty")

    def built(self) -> App:
        return self.app

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def publish(self, meter: SummingMeter, gauges: dict[str, float]) -> None:
        """CloudWatch is told nothing here."""


def test_the_sweep_tells_a_person_of_a_renewal_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(an_app(tmp_path))
    monkeypatch.setattr(sweep, "WARM", asked)

    def alerts() -> list[Task]:
        found = asyncio.run(asked.app.context.store.find(Task, Query(limit=100)))
        return [task for task in found.records if "secret.refused" in task.details.get("alert", "")]

    sweep.handler({}, cast("warm.LambdaContext", None))
    assert len(alerts()) == 1
    asked.refused = None
    sweep.handler({}, cast("warm.LambdaContext", None))
    assert len(alerts()) == 1
