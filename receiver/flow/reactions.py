"""The registry of reactions: which code handles which event type. Small routers, joined at the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from receiver.core.errors import Misconfigured
from receiver.core.task import Task

if TYPE_CHECKING:
    from receiver.flow.tools import Outcome, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened to a job: said by an event, or found by the sweep. A hint to fetch, never a result."""

    type: str
    job_id: str
    other_id: str = ""
    document_id: str = ""
    """The document that the event's token proved."""
    event_id: str = ""
    looks: int = 0
    """How often the job was looked at before and had no result yet."""

    @classmethod
    def of(cls, task: Task) -> "Happening":
        """The happening that a reaction task is about."""
        return cls(
            type=task.details["type"],
            job_id=task.details.get("job_id", task.subject),  # tasks of the release before have it as their subject
            other_id=task.details.get("other_id", ""),
            document_id=task.details.get("document_id", ""),
            event_id=task.details.get("event_id", ""),
            looks=task.looks,
        )


Reaction = Callable[[Happening, "Tools"], Awaitable["Outcome"]]


class Reactions:
    """Event types are an open set: what nobody registered for goes to ``otherwise``."""

    def __init__(self, *routers: "Reactions") -> None:
        self._by_type: dict[str, Reaction] = {}
        self._otherwise: Reaction | None = None
        for router in routers:
            self.join(router)

    def on(self, *types: str) -> Callable[[Reaction], Reaction]:
        """Registers a reaction to these event types; a second one for a type is a mistake at start."""

        def register(reaction: Reaction) -> Reaction:
            for event_type in types:
                if event_type in self._by_type:
                    raise Misconfigured(f"two reactions are registered for {event_type}")
                self._by_type[event_type] = reaction
            return reaction

        return register

    def otherwise(self, reaction: Reaction) -> Reaction:
        """Registers the reaction to every other type."""
        self._otherwise = reaction
        return reaction

    def join(self, router: "Reactions") -> None:
        """Takes over another router's registrations."""
        for event_type, reaction in router._by_type.items():
            self.on(event_type)(reaction)
        self._otherwise = router._otherwise or self._otherwise

    def find(self, event_type: str) -> Reaction:
        """The reaction to this type. Raises Misconfigured when there is none and no otherwise."""
        reaction = self._by_type.get(event_type, self._otherwise)
        if reaction is None:
            raise Misconfigured(f"no reaction for {event_type}, and none registered as otherwise")
        return reaction

    @property
    def types(self) -> tuple[str, ...]:
        """The types that have a reaction of their own."""
        return tuple(self._by_type)
