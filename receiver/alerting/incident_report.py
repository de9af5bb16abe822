"""The report on one incident: its documents and jobs, and the notices of each channel, for a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from receiver import show
from receiver.alerting.incidents import incident_named
from receiver.core.change import Query
from receiver.core.incident import Incident, Occurrence
from receiver.core.notification import Notification, notification_id
from receiver.pipeline.records import find_records
from receiver.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """An incident with its occurrences: the unfixed ones, or all if none is unfixed."""

    incident: Incident
    occurrences: list[Occurrence]
    notifications: list[Notification]

    def shown(self) -> dict[str, Any]:
        """The report as the HTTP API and ``--json`` show it."""
        return show.incident(self._for_who_waits()) | {
            "documents": [show.occurrence(item) for item in self.occurrences],
            "channels": [show.notification(item) for item in self.notifications],
        }

    def _for_who_waits(self) -> Incident:
        """The incident with its fix about a document that is not fixed yet: it is kept about the last that came."""
        incident = self.incident
        named = incident.examples[-1].document_id if incident.examples else ""
        waiting = [item.document_id for item in self.occurrences if item.document_id]
        if not (incident.unmended and named and waiting) or named in waiting:
            return incident
        commands = tuple(command.replace(named, waiting[-1]) for command in incident.commands)
        return replace(incident, fix=incident.fix.replace(named, waiting[-1]), commands=commands)


async def incident_report(key: str, channels: Sequence[str], store: Store, *, limit: int) -> IncidentReport:
    """The report on this incident, for these channels. Raises NotFound."""
    incident = await incident_named(key, store)
    query = Query(by="unmended" if incident.unmended else "incident", key=incident.part)
    occurrences = await find_records(store, Occurrence, query, limit=limit)
    notifications = [await store.get(Notification, notification_id(key, to)) for to in dict.fromkeys(channels)]
    return IncidentReport(
        incident=incident, occurrences=occurrences, notifications=[item for item in notifications if item is not None]
    )
