"""mailroom webhooks rotate: all steps of a rotation, without refusing an event.

1. accept: the new secret is added to the accepted ones; the running receivers must accept a probe with it
2. switch: the new secret becomes the first: new jobs and the saved configuration use it
3. watch: until there is no unfinished job with the old secret, and no event with it for a while
4. drop: only the new secret is left

The secret must be in a file that the receivers read (``MAILROOM_SIGNING_SECRETS_FILE`` and so on); they notice a
change within two seconds.
"""

import asyncio
import json
import os
import secrets
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

from receiver import secret_rules
from receiver.bootstrap import App
from receiver.cli.numbers import Number
from receiver.cli.output import say
from receiver.cli.probe import probe
from receiver.cli.running import with_app
from receiver.cli.suggestions import ClosestChoice
from receiver.cli.trigger import proofs_of
from receiver.cli.webhooks.saved import wanted
from receiver.core import rotation
from receiver.core.change import Query
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.sample import Proofs
from receiver.operations import saved_webhooks as kept
from receiver.ports import Store
from receiver.read_settings import from_environ
from receiver.renewal import EVERY_SECONDS
from receiver.settings import Settings

PROBES = 3
"""Consecutive probes that must be accepted, because several receivers may be behind one address."""
SENDER_SECONDS = 100.0
"""Seconds after the end of a job in which its event may come: three attempts of 30 s, and pauses (reference 2.6)."""


@dataclass(frozen=True, slots=True)
class RotationLock:
    """A kind of secret, and the file that holds its accepted values."""

    kind: str
    """headers, token or signature: the name of the proof on an event"""
    path: Path
    header: str = ""

    def read(self) -> tuple[str, ...]:
        text = self.path.read_text().strip()
        if self.header:
            return tuple(json.loads(text)[self.header])
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def write(self, values: tuple[str, ...]) -> None:
        """Replaces the file atomically, and keeps its permissions."""
        text = ",".join(values)
        if self.header:
            text = json.dumps(json.loads(self.path.read_text()) | {self.header: list(values)})
        descriptor, aside = tempfile.mkstemp(dir=self.path.parent)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), self.path.stat().st_mode & 0o777)
            file.write(text)
        Path(aside).replace(self.path)


@click.command(short_help="Rotate a secret without rejecting events.")
@click.argument("what", type=ClosestChoice(["signing", "token", "header"]))
@click.option("--header", "name", help="The header name, for `header`.")
@click.option("--new", help="The new value; a random one by default.")
@click.option(
    "--quiet-seconds",
    default=SENDER_SECONDS,
    show_default=True,
    type=Number(0, 86400),
    help="Drop the old secret after this long without an event that uses it.",
)
@click.option(
    "--timeout",
    default=3600.0,
    show_default=True,
    type=Number(0, 7 * 86400),
    help="Stop waiting after this many seconds, without dropping the old secret.",
)
def rotate(what: str, name: str | None, new: str | None, quiet_seconds: float, timeout: float) -> None:
    """Rotate the signing secret, the token secret or a static header's value without rejecting events."""
    held = _held(what, name)
    if new is not None:
        _refuse(new)
    with_app(lambda app: _rotate(app, held, new or secrets.token_urlsafe(32), quiet_seconds, timeout))


def _held(what: str, name: str | None) -> RotationLock:
    kinds = {
        "signing": ("signature", "SIGNING_SECRETS"),
        "token": ("token", "TOKEN_SECRETS"),
        "header": ("headers", "WEBHOOK_HEADERS"),
    }
    kind, setting = kinds[what]
    variable = f"MAILROOM_{setting}_FILE"
    if variable not in os.environ:
        raise Misconfigured(
            f"a secret is rotated in its file: set {variable}",
            fix="docs/production.md says how to rotate by hand",
        )
    if what == "header" and not name:
        raise Misconfigured("give --header NAME")
    held = RotationLock(kind, Path(os.environ[variable]), name or "")
    if what == "header" and name not in json.loads(held.path.read_text()):
        raise Misconfigured(f"{held.path} has no header {name}")
    return held


def _refuse(new: str) -> None:
    """Raises Misconfigured for a value that every receiver would refuse."""
    if len(secret_rules.secret_list("--new", new)) != 1:
        raise Misconfigured("--new must be one secret without commas")
    secret_rules.refuse_short("--new", [new.encode()])


async def _rotate(app: App, held: RotationLock, new: str, quiet_seconds: float, timeout_seconds: float) -> None:
    await _step(app, held, rotation.accept(held.read(), new), "accepted", probe_last=True)
    await _step(app, held, rotation.switch(held.read(), new), "in use for new jobs")
    switched_at = time.time()
    await _change_saved(app)
    if not await _unused(app, held, switched_at, quiet_seconds, timeout_seconds):
        raise MailroomError(
            "the old secret is still in use: it was not dropped",
            fix="run the command again later with the same --new value",
        )
    await _step(app, held, rotation.drop(held.read(), new), "the only one")


async def _step(
    app: App, held: RotationLock, values: tuple[str, ...], message: str, *, probe_last: bool = False
) -> None:
    """Writes the values, and waits until the running receivers accept an event with the new one."""
    held.write(values)
    settings = from_environ()
    proofs = _proofs(settings, held, values[-1] if probe_last else values[0])
    await _let_in(settings, proofs, app.context.store)
    say(f"{held.path.name}: the new secret is {message}")


def _proofs(settings: Settings, held: RotationLock, value: str) -> Proofs:
    proofs = proofs_of(settings, document_id="rotation")
    if held.kind == "headers":
        return replace(proofs, headers=proofs.headers | {held.header: value})
    if held.kind == "token":
        return replace(proofs, token_secret=value.encode())
    return replace(proofs, signing_secret=value.encode())


async def _let_in(settings: Settings, proofs: Proofs, store: Store) -> None:
    """Waits until the receivers accept the proofs several times in a row."""
    in_a_row, deadline = 0, time.monotonic() + 60
    while in_a_row < PROBES:
        found = await probe("mailroom.rotation", proofs, settings.webhook_url, store)
        in_a_row = in_a_row + 1 if found.let_in else 0
        if time.monotonic() > deadline:
            raise MailroomError(
                f"the receivers still return {found.status} to the new secret",
                fix="check that they read the same file; the old secret was not dropped and is still valid",
            )
        await asyncio.sleep(EVERY_SECONDS / PROBES)


async def _change_saved(app: App) -> None:
    """Writes the new secret to our saved configuration, if there is one. LlamaCloud uses it at once (reference 2.5)."""
    cloud, registration = app.context.cloud, wanted(from_environ())
    configs = getattr(cloud, "webhook_configs", None)
    if configs is None:
        return
    ours = kept.ours(await configs.list(), registration)
    if ours is not None:
        await configs.update(ours.id, registration)
        say(f"{ours.id}: the saved configuration has the new secret")


async def _unused(
    app: App, held: RotationLock, switched_at: float, quiet_seconds: float, timeout_seconds: float
) -> bool:
    """Waits until the old secret is unused. False if the time is over before."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        jobs, last = await _old_jobs(app, switched_at), await _last_by_old(app, held)
        quiet = time.time() - max(switched_at, last)
        if not jobs and quiet >= quiet_seconds:
            return True
        say(f"waiting: {jobs} unfinished jobs from before, quiet for {quiet:.0f} of {quiet_seconds:.0f} seconds")
        await asyncio.sleep(min(5.0, max(quiet_seconds - quiet, 0.5)))
    return False


async def _old_jobs(app: App, before: float) -> int:
    """Unfinished jobs that were created before the switch."""
    page = await app.context.store.find(Job, Query(by="overdue", limit=1000))
    return sum(1 for job in page.records if job.created_at < before)


async def _last_by_old(app: App, held: RotationLock) -> float:
    """When an event was last proven by another secret than the first; 0 if none was recently."""
    page = await app.context.store.find(Event, Query(newest_first=True, limit=1000))
    return max((event.received_at for event in page.records if _by_old(event, held)), default=0.0)


def _by_old(event: Event, held: RotationLock) -> bool:
    return any(proof.startswith(f"{held.kind}:") and not proof.endswith(":0") for proof in event.verified_by)
