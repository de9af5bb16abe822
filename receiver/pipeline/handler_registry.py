"""The registry of handlers: which code handles which event type, and which the sweep's own commands.

A family of events registers everything about it in one file: the events that the webhook of its jobs asks for, the
configuration of such a job, what an event does, and what the sweep's command does when no event came.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from receiver.config import Config
from receiver.core.change import Write
from receiver.core.errors import Misconfigured
from receiver.core.job import Job, JobKind
from receiver.core.job_update import Command, JobUpdate
from receiver.core.task import Task
from receiver.pipeline.context import CommandHandler, Context, EventHandler, JobTerms, StepResult, TaskHandler
from receiver.pipeline.job_failure import held_for

K = TypeVar("K")
V = TypeVar("V")


class HandlerRegistry:
    """Event types are an open set: unregistered ones go to ``otherwise``. Several routers are joined into one."""

    def __init__(self, *routers: "HandlerRegistry") -> None:
        self._by_type: dict[str, EventHandler] = {}
        self._by_kind: dict[JobKind, CommandHandler] = {}
        self._terms: dict[JobKind, JobTerms] = {}
        self._otherwise: EventHandler | None = None
        for router in routers:
            self.join(router)

    def jobs(
        self,
        kind: JobKind,
        *,
        events: Sequence[str],
        configuration: Callable[[Config], Mapping[str, Any]],
        webhooks: Callable[[Config], Sequence[str]] = lambda _: (),
    ) -> None:
        """Registers the terms on which jobs of this kind are created."""
        terms = JobTerms(events=tuple(events), configuration=configuration, webhooks=webhooks)
        _put(self._terms, kind, terms, f"{kind} jobs have two sets of terms")

    def on(self, *types: str) -> Callable[[EventHandler], EventHandler]:
        """Registers the handler of these event types; a second one for a type is an error at start."""

        def register(handler: EventHandler) -> EventHandler:
            for event_type in types:
                _put(self._by_type, event_type, handler, f"two handlers are registered for {event_type}")
            return handler

        return register

    def on_command(self, kind: JobKind) -> Callable[[CommandHandler], CommandHandler]:
        """Registers the handler of the sweep's commands about jobs of this kind."""

        def register(handler: CommandHandler) -> CommandHandler:
            _put(self._by_kind, kind, handler, f"two handlers are registered for commands about {kind} jobs")
            return handler

        return register

    def otherwise(self, handler: EventHandler) -> EventHandler:
        """Registers the handler of every other type."""
        self._otherwise = handler
        return handler

    def join(self, router: "HandlerRegistry") -> None:
        """Adds another router's registrations."""
        for kind, terms in router._terms.items():
            self.jobs(kind, events=terms.events, configuration=terms.configuration, webhooks=terms.webhooks)
        for kind, handler in router._by_kind.items():
            self.on_command(kind)(handler)
        for event_type, event_handler in router._by_type.items():
            self.on(event_type)(event_handler)
        self._otherwise = router._otherwise or self._otherwise

    def handler_for(self, event_type: str) -> EventHandler:
        """The handler of this type. Raises Misconfigured when there is none and no otherwise."""
        handler = self._by_type.get(event_type, self._otherwise)
        if handler is None:
            raise Misconfigured(f"no handler for {event_type}, and no default handler")
        return handler

    def command_handler_for(self, kind: JobKind) -> CommandHandler:
        """The handler of commands about jobs of this kind. Raises Misconfigured when there is none."""
        if kind not in self._by_kind:
            raise Misconfigured(f"no handler is registered for commands about {kind} jobs")
        return self._by_kind[kind]

    def terms_of(self, kind: JobKind) -> JobTerms:
        """The terms on which jobs of this kind are created. Raises Misconfigured when none are registered."""
        if kind not in self._terms:
            raise Misconfigured(f"nothing is registered about {kind} jobs")
        return self._terms[kind]

    @property
    def job_events(self) -> tuple[str, ...]:
        """The events that the webhooks of all kinds of jobs ask for."""
        return tuple(event for terms in self._terms.values() for event in terms.events)


def _put(registered: dict[K, V], key: K, value: V, twice: str) -> None:
    if key in registered:
        raise Misconfigured(twice)
    registered[key] = value


async def handle_event(task: Task, context: Context) -> StepResult:
    """Hands an event to the handler of its type.

    An event that proves no document and names no stored job is handled after all other tasks: anybody who may send
    events can name any number of unknown jobs.
    """
    event = JobUpdate.of(task)
    if not task.bulk and not event.document_id:
        named = [job_id for job_id in (event.job_id, event.other_id) if job_id]
        if named and not any([await context.store.get(Job, job_id) for job_id in named]):
            note = "no stored job matches yet: handled after all other tasks"
            return StepResult(note=note, again_at=context.clock(), bulk=True, asked=False)
    return await context.registry.handler_for(event.type)(event, context)


async def recheck(task: Task, context: Context) -> StepResult:
    """Hands the sweep's command to the handler of its job's kind."""
    job = await context.store.get(Job, task.subject)
    if job is None:
        return StepResult(note="the job is no longer stored")
    return await context.registry.command_handler_for(job.kind)(Command.of(task), context)


async def _hold_named(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """Holds the document of a job whose result cannot be fetched, if the event may change that job."""
    event = JobUpdate.of(task)
    for named in (event.job_id, event.other_id):
        job = await context.store.get(Job, named) if named else None
        if job is not None and event.document_id in ("", job.document_id):
            return await held_for(job, error, context)
    return ()


async def _hold(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """Holds the document of a job whose result cannot be fetched."""
    job = await context.store.get(Job, task.subject)
    return await held_for(job, error, context) if job else ()


HANDLE_EVENT = TaskHandler(run=handle_event, give_up=_hold_named)
RECHECK = TaskHandler(run=recheck, give_up=_hold)
