"""The composition root: everything wired, on one screen.

Your own destinations without a fork: write a module with a ``build(settings)`` that calls this one with what you
replace or add, and name it in MAILROOM_APP.
"""

import os
import time
from collections.abc import Mapping

from handlers import classify, other
from handlers.alerts import open_channel
from handlers.aws import Aws
from handlers.destinations import destinations
from receiver import bootstrap
from receiver.bootstrap import App
from receiver.config import Config, load
from receiver.core.errors import Misconfigured
from receiver.flow.deliver import destination_of
from receiver.flow.reactions import Reactions
from receiver.flow.tools import Terms, Tools
from receiver.metrics import Meter
from receiver.ports import AlertChannel, Destination
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
    config = config or load(settings.config, os.environ)
    aws = aws or Aws()
    store, bell, meter = bootstrap.open_store(settings), bootstrap.open_bell(settings), Meter()
    tools = Tools(
        store=store,
        bell=bell,
        cloud=bootstrap.open_cloud(settings),
        spool=bootstrap.open_spool(settings),
        config=config,
        terms=terms(settings),
        reactions=Reactions(classify.router, other.router),
        clock=time.time,
        spread=bootstrap.spread,
        meter=meter,
        destinations={**destinations(aws), **(more or {})},
        channels=channels(config, settings, aws),
        adopt=settings.adopt,
        max_document=settings.max_upload,
    )
    refuse_faults(config, tools)
    return App(settings=settings, tools=tools, door=bootstrap.open_door(settings, store, bell, meter))


def open_destinations() -> dict[str, Destination]:
    """The destinations alone, for ``mailroom routes check``, which needs no key, store or public URL."""
    return destinations()


def terms(settings: Settings) -> Terms:
    """How LlamaCloud is told to call us: always with the first of each kind of secret."""
    if not settings.public_url:
        raise Misconfigured(
            "MAILROOM_PUBLIC_URL is not set: LlamaCloud must be told where to call, https://mail.example.com"
        )
    lock = settings.lock()
    return Terms(
        url=settings.webhook_url,
        headers={name: values[0] for name, values in settings.headers().items()},
        token_secret=lock.token_secrets[0] if lock.token_secrets else b"",
        signing_secret=lock.signing_secrets[0].decode() if lock.signing_secrets else "",
    )


def channels(config: Config, settings: Settings, aws: Aws) -> dict[str, AlertChannel]:
    """The alert channels that mailroom.yaml names, under the names it gives them."""
    return {rule.to: open_channel(rule.channel, aws=aws, smtp_url=settings.smtp_url.reveal()) for rule in config.alerts}


def refuse_faults(config: Config, tools: Tools) -> None:
    """A wrong table fails here, at start, and not the document later. Raises Misconfigured with all that is wrong."""
    config.refuse(
        config.check(
            schemes=tools.destinations,
            faults=lambda target: destination_of(target, tools).faults(target),
            adopted=tools.adopt,
        )
    )
