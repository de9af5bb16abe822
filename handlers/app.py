"""The composition root: creates and connects everything.

Event types, destinations and alert channels are listed in the ``registry.py`` of their package.

To add destinations of your own without a fork, write a module with a ``build(settings)`` that calls this one with what
you replace or add, and name it in MAILROOM_APP.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial

from handlers.alerts.heartbeat_url import HeartbeatUrl
from handlers.alerts.registry import open_channel
from handlers.child.process import Children
from handlers.destinations.registry import destinations
from handlers.event_types.registry import open_registry as open_registry
from handlers.mail.child_reader import ChildMailReader
from handlers.pdf.child_cutter import ChildCutter
from handlers.sources.folder import FolderSource
from handlers.sources.inbox import InboxFeed, inbox_places
from handlers.sources.s3 import S3Source
from handlers.sources.s3_spool import S3Spool
from handlers.view.child_viewer import ChildViewer
from receiver import bootstrap
from receiver.aws.boto import Aws
from receiver.bootstrap import App
from receiver.config import Config, load
from receiver.core.alert_rule import AlertRule
from receiver.core.errors import Misconfigured
from receiver.core.loops import feeds
from receiver.core.problem import Problem
from receiver.core.route import RouteTable
from receiver.metrics import SummingMeter
from receiver.operations.check_config import check_config
from receiver.pipeline.context import Context
from receiver.ports import AlertChannel, Destination, Spool
from receiver.refused_change import SHADOW, refusal_of
from receiver.secrets import RevealedEnviron
from receiver.settings import Settings


def build(
    settings: Settings,
    *,
    config: Config | None = None,
    aws: Aws | None = None,
    more: Mapping[str, Destination] | None = None,
) -> App:
    """The application that these settings describe; ``more`` are destinations of your own, by URL scheme.

    Raises Misconfigured, naming what is wrong.
    """
    given, config = config, config or load(settings.config, RevealedEnviron(os.environ))
    aws, meter = aws or Aws(), SummingMeter()
    context = open_context(settings, config, aws, meter, more or {})
    refuse_faults(config, context, settings)
    read_shadow = partial(shadow_anew, settings, context) if settings.shadow_config else None
    if read_shadow is not None:
        begin_shadow(read_shadow, context, settings.shadow_config)
    return App(
        settings=settings,
        context=context,
        receiver=bootstrap.open_receiver(settings, context.store, context.queue, meter, retention=config.retention),
        feeds=(open_inbox(settings, aws),) if settings.inbox else (),
        read_table=None if given else partial(table_anew, settings, context, aws),
        read_shadow=read_shadow,
    )


def open_context(
    settings: Settings, config: Config, aws: Aws, meter: SummingMeter, more: Mapping[str, Destination]
) -> Context:
    """What the steps work with: the store and the queue, LlamaCloud, sources, destinations, readers, channels."""
    children, s3, store = Children(), S3Source(aws), bootstrap.open_store(settings)
    return Context(
        store=store,
        queue=bootstrap.open_queue(settings),
        cloud=bootstrap.open_cloud(settings, store),
        spool=open_spool(settings, aws),
        sources={"s3": s3, "https": s3, "http": s3, "folder": FolderSource()},  # S3 too, at an endpoint of its own
        config=config,
        webhook_terms=bootstrap.webhook_terms(settings),
        registry=open_registry(),
        clock=time.time,
        spread=bootstrap.spread,
        meter=meter,
        destinations={**destinations(aws), **more},
        cutter=ChildCutter(children),
        mail_reader=ChildMailReader(children),
        viewer=ChildViewer(),
        channels=channels(config, settings, aws),
        links=bootstrap.open_links(settings),
        operator_url=settings.operator_url,
        site=settings.site(),
        heartbeat=HeartbeatUrl(settings.heartbeat_url.reveal()) if settings.heartbeat_url else None,
        adopt=settings.adopt,
        max_document=settings.max_upload,
    )


def table_anew(settings: Settings, context: Context, aws: Aws) -> tuple[Config, dict[str, AlertChannel]]:
    """The current mailroom.yaml and its alert channels. Raises Misconfigured if it would be refused at startup."""
    config = load(settings.config, RevealedEnviron(os.environ))
    refuse_faults(config, context, settings)
    return config, channels(config, settings, aws)


def shadow_anew(settings: Settings, context: Context) -> RouteTable:
    """The current shadow table. Raises Misconfigured if it could not replace the real one."""
    config = load(settings.shadow_config, RevealedEnviron(os.environ), variable="MAILROOM_SHADOW_CONFIG")
    refuse_faults(config, context, settings)
    return config.table


def begin_shadow(read: Callable[[], RouteTable], context: Context, path: str) -> None:
    """Adds the shadow table. An invalid one is left out and logged: nothing may stop because of it."""
    try:
        context.take_shadow(read())
    except Exception as error:  # noqa: BLE001 - so it is with what nobody foresaw
        SHADOW.log_refusal(refusal_of(error, path))


def open_inbox(settings: Settings, aws: Aws) -> InboxFeed:
    """The S3 inbox that MAILROOM_INBOX names. Raises Misconfigured when no bucket is named that it may take from."""
    if not inbox_places(settings):
        raise Misconfigured(
            "MAILROOM_INBOX is set, but MAILROOM_INBOX_BUCKETS is empty",
            fix="set it to the comma-separated buckets whose notifications the queue receives",
        )
    return InboxFeed(settings.inbox, aws)


def open_spool(settings: Settings, aws: Aws) -> Spool:
    """The spool that MAILROOM_SPOOL names: a bucket's is made here, because the engine knows no S3."""
    return S3Spool(settings.spool, aws) if settings.spool.startswith("s3://") else bootstrap.open_spool(settings)


def open_destinations() -> dict[str, Destination]:
    """The destinations alone, for ``mailroom routes check``, which needs no key, store or public URL."""
    return destinations()


def open_alert_channel(rule: AlertRule, settings: Settings, aws: Aws | None = None) -> AlertChannel:
    """The channel of this rule alone, for ``mailroom routes check``. Raises Misconfigured."""
    return open_channel(rule.channel, aws=aws, smtp_url=settings.smtp_url.reveal(), options=rule.options)


def channels(config: Config, settings: Settings, aws: Aws) -> dict[str, AlertChannel]:
    """The alert channels that mailroom.yaml names, under the names it gives them.

    Raises Misconfigured with every row whose channel cannot be made.
    """
    opened, problems = dict[str, AlertChannel](), list[Problem]()
    for rule in sorted(config.alerts, key=lambda rule: bool(rule.options)):  # of two rules, the one with options
        try:
            opened[rule.to] = open_alert_channel(rule, settings, aws)
        except Misconfigured as error:
            problems.append(Problem(severity="error", where=rule.where, message=str(error), fix=error.fix))
    config.refuse(problems)
    return opened


def refuse_faults(config: Config, context: Context, settings: Settings) -> None:
    """Refuses an invalid table at startup, before a document depends on it. Raises Misconfigured with all errors."""
    sources, spool = settings.source_places(), settings.spool
    if source := feeds(sources, f"{spool.rstrip('/')}/"):
        raise Misconfigured(f"MAILROOM_SPOOL={spool} is inside {source}, so Mailroom would submit its own spool again")
    own = bootstrap.own_places(settings)
    config.refuse(check_config(config, context.destinations, adopted=context.adopt, sources=sources, own=own))
