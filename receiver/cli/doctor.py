"""mailroom doctor: checks local and remote setup."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from shlex import quote

import click

from receiver.bootstrap import App
from receiver.cli.channel_check import asked
from receiver.cli.listing import when
from receiver.cli.numbers import Number
from receiver.cli.output import print_json, say, table
from receiver.cli.probe import probe
from receiver.cli.running import with_app
from receiver.cli.trigger import proofs_of
from receiver.core.change import Query
from receiver.core.channel import Channel
from receiver.core.delivery_request import Content
from receiver.core.errors import MailroomError
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.job import JobKind, JobRequest
from receiver.core.submission import SELF_TEST
from receiver.operations.heartbeat import HEARTBEAT
from receiver.pipeline.deliver import destination_of
from receiver.pipeline.installation import installation

PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<</Font<</F<</Type/Font"
    b"/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length 46>>stream\n"
    b"BT /F 12 Tf 20 50 Td (Mailroom self-test) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n"
)


LOOK_SECONDS = {True: 0.25, False: 2.0}
"""Whether webhooks come -> seconds between two looks for the self-test's event, or requests about its job."""
NEXT = """\
next:
  mailroom submit FILE --wait   # or mailroom watch FOLDER
  mailroom documents"""
LATE_SWEEPS = 10
"""Missed sweeps after which the check fails."""


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    fine: bool
    detail: str


@click.command(short_help="Check local and remote setup.")
@click.option(
    "--job/--no-job", default=True, help="Submit a one-page self-test job and wait for its event; costs one credit."
)
@click.option(
    "--wait",
    "wait_seconds",
    default=120.0,
    show_default=True,
    type=Number(0, 86400),
    help="Seconds to wait for its event.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(job: bool, wait_seconds: float, as_json: bool) -> None:
    """Check the settings, API key, store, destinations, alert channels, public URL, and that a job's event arrives.

    The receiver must be running. Exit 1 if a check fails; each failed line says how to fix it.
    """
    findings = with_app(lambda app: _examine(app, job=job, wait_seconds=wait_seconds))
    if as_json:
        print_json({"findings": [{"what": item.what, "fine": item.fine, "detail": item.detail} for item in findings]})
    else:
        table(("", "what", "result"), [("✔" if item.fine else "✘", item.what, item.detail) for item in findings])
    fine = all(item.fine for item in findings)
    if fine and not as_json:
        say(NEXT)
    raise SystemExit(0 if fine else 1)


async def _examine(app: App, *, job: bool, wait_seconds: float) -> list[Finding]:
    findings = [Finding("settings", True, f"{app.context.config.path}, {app.settings.store}, {app.settings.queue}")]
    findings.append(await _tried("store", lambda: _store(app)))
    findings.append(await _tried("LlamaCloud", lambda: _key(app)))
    if named := saved_webhooks_named(app):
        findings.append(await _tried("saved webhooks", lambda: _saved_webhooks(app, named)))
    if any(target.scheme == "s3" for target in app.context.config.targets):
        findings.append(await _tried("boto3", _boto3))
    for target in app.context.config.targets:
        faults = await destination_of(target, app.context).probe(target)
        findings.append(Finding(target.shown, not faults, "; ".join(faults) or "it exists"))
    if app.read_shadow is not None:
        findings.append(await _tried("shadow table", lambda: _shadow(app)))
    findings += [await _channel_works(to, app) for to in app.context.channels]
    findings.append(await _tried("sweep", lambda: _last_sweep(app)))
    findings.append(await _tried("public URL", lambda: _reachable(app)))
    if job:
        findings.append(await _tried("self-test job", lambda: _self_test(app, wait_seconds)))
    return findings


def saved_webhooks_named(app: App) -> set[str]:
    """The saved webhooks that mailroom.yaml names for its jobs."""
    config = app.context.config
    return {*config.classify.webhook_configuration_ids, *config.split.webhook_configuration_ids}


async def _saved_webhooks(app: App, named: set[str]) -> str:
    """Checks that LlamaCloud has them: it rejects every job that names one it does not have."""
    from receiver.cloud.client import LlamaCloud

    if not isinstance(app.context.cloud, LlamaCloud):
        return "not the LlamaCloud client"
    saved = {item.id for item in await app.context.cloud.webhook_configs.list()}
    if missing := sorted(named - saved):
        raise MailroomError(
            f"LlamaCloud has no {', '.join(missing)}",
            fix="correct webhook_configuration_ids in mailroom.yaml (mailroom webhooks list)",
        )
    return f"{', '.join(sorted(named))}: saved at LlamaCloud"


async def _boto3() -> str:
    """Checks that the installed boto3 supports S3's create-only writes; Lambda has its own boto3."""
    from botocore import __version__
    from botocore.session import get_session

    from receiver.aws.s3_conditions import PARAMETER, lacking

    old = lacking(get_session().get_service_model("s3"))
    without = f"; {PARAMETER} of {', '.join(old)} is newer, and is sent as a header" if old else ""
    return f"botocore {__version__}{without}"


async def _channel_works(to: str, app: App) -> Finding:
    """Whether the alert channel accepts notices, by its own check and by the last notices."""
    known = await app.context.store.get(Channel, to)
    if known is not None and known.failing_since is not None:
        since = when(known.failing_since)
        return Finding(to, False, f"failing since {since}: {known.error}; {known.fix or f'try {_test(to)}'}")
    faults = await asked(app.context.channels[to])
    if faults is None:
        last = f"last notice {when(known.last_told_at)}; " if known and known.last_told_at else ""
        return Finding(to, True, f"{last}only a test notice shows whether it works: {_test(to)}")
    return Finding(to, not faults, "; ".join(faults) or "it exists")


def _test(to: str) -> str:
    return f"mailroom alerts test {quote(to)}"


async def _last_sweep(app: App) -> str:
    """Checks when the last sweep sent its heartbeat, which is withheld while no alert channel works."""
    flag = await app.context.store.get(Flag, HEARTBEAT)
    if flag is None:
        return "no sweep has finished yet with a working alert channel"
    late = time.time() - flag.at
    if late > LATE_SWEEPS * app.settings.sweep_seconds:
        raise MailroomError(
            f"last finished with a working alert channel {when(flag.at)}",
            fix="check that a worker is running (mailroom serve or mailroom worker) and that an alert channel works",
        )
    return f"last finished with a working alert channel {late:.0f} s ago"


async def _tried(what: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, True, await check())
    except MailroomError as error:
        return Finding(what, False, f"{error}; {error.fix}" if error.fix else str(error))


async def _shadow(app: App) -> str:
    assert app.read_shadow is not None
    table = await asyncio.to_thread(app.read_shadow)
    return f"{app.settings.shadow_config} runs in parallel, version {table.version}"


async def _store(app: App) -> str:
    await app.context.store.ready()
    return "it is writable"


async def _key(app: App) -> str:
    from receiver.cloud.client import LlamaCloud

    if not isinstance(app.context.cloud, LlamaCloud):
        return "not the LlamaCloud client"
    projects = await app.context.cloud.check_key()
    named = ", ".join(f"project {item.name} ({item.id})" for item in projects)
    return f"the key is valid for {named}, at {app.settings.llama_cloud_base_url}"


async def _reachable(app: App) -> str:
    """Sends an event of ours through the public URL; the receiver must accept it."""
    if not app.settings.gets_webhooks:
        return "MAILROOM_PUBLIC_URL=none: `mailroom listen` asks for results"
    found = await probe("mailroom.doctor", proofs_of(app.settings), app.settings.webhook_url, app.context.store)
    if found.queued and not found.let_in:
        raise MailroomError(
            f"{app.settings.webhook_url} queues our event, and it is not stored",
            fix="the log of `receive` says why (event.refused, message.unreadable); is its event source enabled?",
        )
    if not found.let_in:
        raise MailroomError(
            f"{app.settings.webhook_url} answers {found.status}",
            fix="401: check that the receiver has the same secrets; 404 or 502: check the proxy in front of it",
        )
    return f"{app.settings.webhook_url} accepts our event"


async def _self_test(app: App, wait_seconds: float) -> str:
    """Creates one real job and waits for its event: a 200 for the creation does not prove that the webhook works."""
    mark, begun = f"{SELF_TEST}{await installation(app.context)}-{uuid.uuid4()}", time.time()
    content = Content(size=len(PAGE), sha256="", media_type="application/pdf", stream=_page)
    file = await app.context.cloud.upload(content, name="self-test.pdf", external_id=mark, purpose="classify")
    terms = app.context.registry.terms_of(JobKind.CLASSIFY)
    registration = app.context.webhook_terms.configuration_for("self-test", terms.events, now=begun)
    report = await app.context.cloud.create(
        JobRequest(
            kind=JobKind.CLASSIFY,
            file_id=file.id,
            configuration=terms.configuration(app.context.config),
            transaction_id=mark,
            registration=registration,
        )
    )
    what = _event_of if app.settings.gets_webhooks else _end_of
    while time.time() - begun < wait_seconds:
        if seen := await what(report.id, app):
            return _in_time(seen, report.id, time.time() - begun, app.context.config.deadline_seconds)
        await asyncio.sleep(LOOK_SECONDS[app.settings.gets_webhooks])
    if not app.settings.gets_webhooks:
        raise MailroomError(
            f"job {report.id} was created, but did not finish within {wait_seconds:.0f} s",
            fix="try again later with a longer --wait; if it persists, check LlamaCloud's status page",
        )
    raise MailroomError(
        f"job {report.id} was created, but its event did not arrive within {wait_seconds:.0f} s",
        fix="check that LlamaCloud can reach MAILROOM_PUBLIC_URL; until then the sweep processes documents, later",
    )


async def _event_of(job_id: str, app: App) -> str:
    """The type of the job's event, once it is stored."""
    page = await app.context.store.find(Event, Query(by="job", key=job_id, limit=1))
    return page.records[0].type if page.records else ""


async def _end_of(job_id: str, app: App) -> str:
    """How the job ended, once LlamaCloud says so: no event of it will come."""
    report = await app.context.cloud.job(JobKind.CLASSIFY, job_id)
    return f"the end ({report.status})" if report.status.final else ""


def _in_time(event_type: str, job_id: str, seconds: float, deadline: float) -> str:
    """Compares the duration with the deadline.

    One page is the shortest job: if even that takes longer, the sweep always asks too early.
    """
    detail = f"{event_type} of job {job_id} arrived after {seconds:.1f} s"
    if seconds > deadline:
        raise MailroomError(
            f"{detail}, and the deadline is {deadline:g} s",
            fix="raise deadline in mailroom.yaml above the usual duration of a job: the sweep asks about jobs past it",
        )
    return detail


async def _page() -> AsyncIterator[bytes]:
    yield PAGE
