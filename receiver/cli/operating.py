"""Runs an operator's command on the store of this machine, or through the server that was named."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from receiver.cli.operations import Mending, Operations
from receiver.core.errors import Malformed
from receiver.operations.mend_each import in_full
from receiver.read_settings import from_environ

T = TypeVar("T")


def operate(work: Callable[[Operations], Awaitable[T]]) -> T:
    """What ``work`` returns, given the server that was named, or else the store alone: reading needs no key or table.

    Raises click's UsageError for what is malformed: it came from the command line.
    """
    from receiver.cli import running, server
    from receiver.cli.local_operations import LocalOperations

    try:
        if not (url := server.server_url()):
            return running.with_store(lambda store: work(LocalOperations(store)))
        return running.run(_remotely(url, work))
    except Malformed as error:
        raise click.UsageError(in_full(error)) from error


def mend(work: Callable[[Mending], Awaitable[T]]) -> T:
    """What ``work`` returns, given the server that was named, or else the whole application.

    Raises click's UsageError for what is malformed: it came from the command line.
    """
    from receiver.cli import running, server
    from receiver.cli.local_mending import LocalMending

    try:
        if not (url := server.server_url()):
            return running.with_app(lambda app: work(LocalMending(app)), existing=True)
        return running.run(_remotely(url, work))
    except Malformed as error:
        raise click.UsageError(in_full(error)) from error


async def _remotely(url: str, work: Callable[[Mending], Awaitable[T]]) -> T:
    from receiver.cli.remote_mending import RemoteMending
    from receiver.cli.server import opened_server

    async with opened_server(url, from_environ()) as server:
        return await work(RemoteMending(server))
