"""What was to be exchanged while we run, and was refused: a person is told, and told again when it is well."""

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
from receiver.log import log_line
from receiver.operations.monitor import found_gone
from receiver.pipeline.context import Context

log = logging.getLogger("mailroom.serve")
AGAIN_SECONDS = 60.0
"""How often a person is told of what is refused still; the alert's own window decides what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedChange:
    """One thing that can be refused."""

    kind: str
    """Of its alert."""
    cause: str
    title: str
    logged: str
    """The beginning of its log events."""

    def say(self, error: Misconfigured) -> None:
        """A line in the log."""
        log_line(log, logging.ERROR, f"{self.logged}.refused", error=str(error), fix=error.fix)

    async def alert(self, error: Misconfigured, context: Context) -> None:
        """A line in the log, and an alert."""
        self.say(error)
        at = context.clock()
        alert = Alert(kind=self.kind, cause=self.cause, title=self.title, detail=str(error), fix=error.fix, at=at)
        task = task_for(alert, self.cause, at)
        try:
            await context.store.apply(InsertIfAbsent(task))
        except MailroomError as trouble:  # it is told again before long
            log_line(log, logging.ERROR, f"{self.logged}.alert_failed", error=str(trouble), fix=trouble.fix)
        else:
            await context.enqueue(task.id)

    async def clear(self, context: Context) -> None:
        """Says that it is well, where somebody was told otherwise."""
        with contextlib.suppress(MailroomError):  # it is looked at again before long
            key = short_hash(self.kind, self.cause)
            if (incident := await context.store.get(Incident, key)) and incident.standing_since:
                await found_gone(incident, context)


def refusal_of(error: Exception, path: Path | str) -> Misconfigured:
    """Why a file is refused, also where nobody foresaw that it could bring this about."""
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
