"""The registry of reactions: which code handles which event type, and which the sweep's own commands.

Events and commands are different things. What an event says is a string from outside, which selects a handler and
nothing more; what the sweep decides is a ``Command``, made here alone, and handled by the kind of its job.
Small routers, joined at the composition root.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from receiver.core.errors import Misconfigured
from receiver.core.job import JobKind, SweepVerdict
from receiver.core.task import Task

if TYPE_CHECKING:
    from receiver.pipeline.context import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdate:
    """What an event says happened to a job. A hint to fetch, never a result."""

    type: str
    job_id: str
    other_id: str = ""
    document_id: str = ""
    """The document that the event's token proved."""
    event_id: str = ""
    heard_at: float = 0.0
    """When it came."""
    looks: int = 0
    """How often it was put off, because the job had no result yet or it was not its turn."""

    @classmethod
    def of(cls, task: Task) -> "JobUpdate":
        """The happening that a reaction task is about."""
        return cls(
            type=task.details["type"],
            job_id=task.details.get("job_id", task.subject),  # tasks of the release before have it as their subject
            other_id=task.details.get("other_id", ""),
            document_id=task.details.get("document_id", ""),
            event_id=task.details.get("event_id", ""),
            heard_at=task.created_at,
            looks=task.looks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is to be done about a job on record though no event came."""

    job_id: str
    verdict: SweepVerdict
    looks: int = 0

    @classmethod
    def of(cls, task: Task) -> "Command":
        """The command that a task carries."""
        return cls(job_id=task.subject, verdict=SweepVerdict(task.details["verdict"]), looks=task.looks)


EventHandler = Callable[[JobUpdate, "Context"], Awaitable["StepResult"]]
CommandHandler = Callable[[Command, "Context"], Awaitable["StepResult"]]


class HandlerRegistry:
    """Event types are an open set: what nobody registered for goes to ``otherwise``."""

    def __init__(self, *routers: "HandlerRegistry") -> None:
        self._by_type: dict[str, EventHandler] = {}
        self._by_kind: dict[JobKind, CommandHandler] = {}
        self._otherwise: EventHandler | None = None
        for router in routers:
            self.join(router)

    def on(self, *types: str) -> Callable[[EventHandler], EventHandler]:
        """Registers a reaction to these event types; a second one for a type is a mistake at start."""

        def register(event_handler: EventHandler) -> EventHandler:
            for event_type in types:
                if event_type in self._by_type:
                    raise Misconfigured(f"two reactions are registered for {event_type}")
                self._by_type[event_type] = event_handler
            return event_handler

        return register

    def otherwise(self, event_handler: EventHandler) -> EventHandler:
        """Registers the reaction to every other type."""
        self._otherwise = event_handler
        return event_handler

    def on_command(self, kind: JobKind) -> Callable[[CommandHandler], CommandHandler]:
        """Registers the handler of the sweep's commands about jobs of this kind."""

        def register(handler: CommandHandler) -> CommandHandler:
            if kind in self._by_kind:
                raise Misconfigured(f"two handlers are registered for commands about {kind} jobs")
            self._by_kind[kind] = handler
            return handler

        return register

    def join(self, router: "HandlerRegistry") -> None:
        """Takes over another router's registrations."""
        for kind, handler in router._by_kind.items():
            self.on_command(kind)(handler)
        for event_type, event_handler in router._by_type.items():
            self.on(event_type)(event_handler)
        self._otherwise = router._otherwise or self._otherwise

    def handler_for(self, event_type: str) -> EventHandler:
        """The reaction to this type. Raises Misconfigured when there is none and no otherwise."""
        event_handler = self._by_type.get(event_type, self._otherwise)
        if event_handler is None:
            raise Misconfigured(f"no reaction for {event_type}, and none registered as otherwise")
        return event_handler

    def command_handler_for(self, kind: JobKind) -> CommandHandler:
        """The handler of commands about jobs of this kind. Raises Misconfigured when there is none."""
        if kind not in self._by_kind:
            raise Misconfigured(f"no handler is registered for commands about {kind} jobs")
        return self._by_kind[kind]

    @property
    def types(self) -> tuple[str, ...]:
        """The types that have a reaction of their own."""
        return tuple(self._by_type)
