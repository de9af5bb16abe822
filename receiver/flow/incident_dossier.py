"""The dossier of one incident: its documents and jobs, and what each channel was told of it, gathered for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from receiver import show
from receiver.core.change import Query
from receiver.core.incident import Incident, Occurrence
from receiver.core.notification import Notification, notification_id
from receiver.flow.dossier import found
from receiver.flow.incidents import incident_named
from receiver.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDossier:
    """An incident with its occurrences: those that still stand, or all where none does."""

    incident: Incident
    occurrences: list[Occurrence]
    told: list[Notification]

    def shown(self) -> dict[str, Any]:
        """The dossier as the HTTP API and ``--json`` show it."""
        return show.incident(self.incident) | {
            "documents": [show.occurrence(one) for one in self.occurrences],
            "channels": [show.notification(one) for one in self.told],
        }


async def incident_dossier(key: str, channels: Sequence[str], store: Store, *, limit: int) -> IncidentDossier:
    """The dossier of this incident, for these channels. Raises NotFound."""
    incident = await incident_named(key, store)
    query = Query(by="unmended" if incident.unmended else "incident", key=incident.part)
    occurrences = await found(store, Occurrence, query, limit=limit)
    told = [await store.get(Notification, notification_id(key, to)) for to in dict.fromkeys(channels)]
    return IncidentDossier(incident=incident, occurrences=occurrences, told=[one for one in told if one is not None])
