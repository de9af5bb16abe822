"""Reports a changed file or secret that a running process rejected, and reports again once it is accepted."""

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from receiver.alerting.alert import task_for
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.ids import short_hash
from receiver.core.incident import Incident
from receiver.core.quantity import quantity
from receiver.log import log_line
from receiver.operations.monitor import found_gone
from receiver.pipeline.context import Context

log = logging.getLogger("mailroom.serve")
TOLD = 1800
"""Characters of the errors that an alert lists; the log has all of them."""
AGAIN_SECONDS = 60.0
"""How often a rejection that persists is reported; the alert's own window decides what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChange:
    """One kind of change that can be rejected."""

    kind: str
    """The kind of its alert."""
    cause: str
    title: str
    logged: str
    """The prefix of its log events."""

    def log_refusal(self, error: Misconfigured) -> None:
        """Logs the rejection."""
        log_line(log, logging.ERROR, f"{self.logged}.refused", error=str(error), fix=error.fix)

    async def alert(self, error: Misconfigured, context: Context) -> None:
        """Logs the rejection and raises an alert."""
        self.log_refusal(error)
        at = context.clock()
        detail = whole_lines(str(error), TOLD)
        alert = Alert(kind=self.kind, cause=self.cause, title=self.title, detail=detail, fix=error.fix, at=at)
        task = task_for(alert, self.cause, at)
        try:
            await context.store.apply(InsertIfAbsent(task))
        except MailroomError as trouble:  # it is reported again within AGAIN_SECONDS
            log_line(log, logging.ERROR, f"{self.logged}.alert_failed", error=str(trouble), fix=trouble.fix)
        else:
            await context.enqueue(task.id)

    async def clear(self, context: Context) -> None:
        """Resolves the incident, if one was raised."""
        with contextlib.suppress(MailroomError):  # the next check tries again
            key = short_hash(self.kind, self.cause)
            if (incident := await context.store.get(Incident, key)) and incident.standing_since:
                await found_gone(incident, context)


def whole_lines(text: str, limit: int) -> str:
    """The lines of a text that fit into ``limit`` characters, at least a part of the first; and how many are not."""
    lines, kept = text.splitlines(), list[str]()
    for line in lines:
        if kept and sum(len(item) + 1 for item in kept) + len(line) > limit:
            break
        kept.append(line[:limit])
    left = len(lines) - len(kept)
    return "\n".join([*kept, *([f"and {quantity(left, 'more error')}"] if left else [])])


def refusal_of(error: Exception, path: Path | str) -> Misconfigured:
    """The reason why a file is rejected, unforeseen errors included."""
    if isinstance(error, Misconfigured):
        return error
    return Misconfigured(f"{path} cannot be used: {type(error).__name__}: {error}")


SECRETS = RefusedChange(
    kind="secret.refused",
    cause="renewal",
    title="a renewed secret was rejected; the previous one stays in use",
    logged="secrets",
)
SHADOW = RefusedChange(
    kind="shadow.refused",
    cause="reload",
    title="the shadow table was rejected; mailroom.yaml stays in use",
    logged="shadow",
)
TABLE = RefusedChange(
    kind="table.refused",
    cause="reload",
    title="a changed mailroom.yaml was rejected; the previous one stays in use",
    logged="table",
)
