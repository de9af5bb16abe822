"""Raises an alert when webhooks do not arrive. Documents continue, only seconds late, so nobody would notice.

Each result is found once, by its event or by asking LlamaCloud. The share of the second kind among the latest tasks
says whether events arrive.
"""

from receiver.core.alert import Alert
from receiver.core.change import Query
from receiver.core.ids import short_hash
from receiver.core.incident import Incident
from receiver.core.job import SweepVerdict
from receiver.core.task import Task
from receiver.pipeline.context import Context

KIND, CAUSE = "webhooks.missing", "lost"
WINDOW = 3600.0
"""Seconds before now whose results are considered."""
SAMPLE = 500
"""Number of latest tasks that are read, however much mail there is."""
LEAST, SHARE = 5, 0.2
"""Results without an event, and their share of all results, from which on the alert is raised."""
LIKELIEST = (
    "compare MAILROOM_PUBLIC_URL with the address at which the receiver answers /livez from outside; check DNS, "
    "firewall and proxy on the way; look for event.refused in the log (a secret that was changed on one side); "
    "a receiver that was down needs nothing more. To test it: mailroom doctor"
)


async def missing_webhooks(context: Context) -> Alert | None:
    """The alert if too many results of the last hour came without an event, else None."""
    if not context.webhook_terms.url:
        return None
    now = context.clock()
    query = Query(since=now - WINDOW, newest_first=True, limit=SAMPLE)
    results = await _results(query, context)
    without, every = results.count(False), len(results)
    if without < LEAST or without < SHARE * every:
        return None
    return Alert(
        kind=KIND,
        cause=CAUSE,
        title="webhooks do not arrive: results are found only by asking LlamaCloud",
        detail=f"{without} of the latest {every} results came without an event; their documents are late by seconds",
        fix=LIKELIEST,
        at=now,
    )


async def still_missing(context: Context) -> bool:
    """Whether the incident is still active: until the newest results came with events, however long ago.

    An hour without mail does not show that webhooks arrive.
    """
    if not context.webhook_terms.url:
        return False
    incident = await context.store.get(Incident, short_hash(KIND, CAUSE))
    if incident is None or incident.standing_since is None:
        return False
    newest = (await _results(Query(newest_first=True, limit=SAMPLE), context))[:LEAST]
    return not newest or newest.count(False) >= SHARE * len(newest)


async def _results(query: Query, context: Context) -> list[bool]:
    """Whether each result came with an event, newest first."""
    tasks = (await context.store.find(Task, query)).records
    return [task.kind == "react" for task in tasks if task.kind == "react" or _without_event(task)]


def _without_event(task: Task) -> bool:
    return task.kind == "recheck" and task.details.get("verdict") == SweepVerdict.FINISHED
