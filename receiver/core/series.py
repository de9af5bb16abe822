"""Series: what became of the documents that were received in each hour, as counts that can be added up.

``Counts`` maps a key to a number. Keys are a few words with slashes, the text from outside last:

    routed/invoice      documents in this state, by type (``packet`` and ``none`` as in the costs)
    sure/9/invoice      documents of this type whose confidence is from 0.9 to 1
    late/3              routed documents, by the step of LATE in which their lateness is
    heard/event         documents by how the end of their job was learned
    delivered/s3://mail deliveries by partner; gave_up/s3://mail those that gave up
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from receiver.core.costs import cost_type
from receiver.core.document import DeliveryState, Document, DocumentState
from receiver.core.ids import place
from receiver.core.job import Job

Counts = Counter[str]
HOUR = 3600.0
CONFIDENCES = 10
"""Steps of confidence, of a tenth each; 1 is in the last."""
LATE = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Upper bounds of the steps of lateness, in seconds; what is later is in one more step."""
MOST_NAMES, LONGEST_NAME = 20, 100
"""Types and partners that are counted by name in an hour, the most frequent ones; the others are counted as OTHER."""
OTHER = "(other)"
STATES = tuple(map(str, DocumentState))
HEARD = ("event", "asked")
DELIVERIES = {DeliveryState.DELIVERED: "delivered", DeliveryState.CONFLICT: "gave_up", DeliveryState.FAILED: "gave_up"}
_BY_TYPE = tuple(f"{item}/" for item in (*STATES, *(f"sure/{step}" for step in range(CONFIDENCES))))
_BY_PARTNER = tuple(f"{item}/" for item in ("delivered", "gave_up"))


def counts_of(document: Document, job: Job | None) -> Counts:
    """What one document counts; ``job`` is its current one."""
    found = Counts([f"{document.state}/{cost_type(document)[:LONGEST_NAME]}"])
    said = document.classification
    if said is not None and not document.cuts:
        step = min(max(int(said.confidence * CONFIDENCES), 0), CONFIDENCES - 1)
        found[f"sure/{step}/{(said.type or 'none')[:LONGEST_NAME]}"] += 1
    if job is not None and job.heard_by:
        found[f"heard/{job.heard_by}"] += 1
    late = lateness(document, job)
    if late is not None:
        found[f"late/{sum(late > bound for bound in LATE)}"] += 1
    for item in document.deliveries:
        if item.state in DELIVERIES and not item.superseded:
            found[f"{DELIVERIES[item.state]}/{place(item.to.url)[:LONGEST_NAME]}"] += 1
    return found


def lateness(document: Document, job: Job | None) -> float | None:
    """Seconds from the end of its job at LlamaCloud to its last delivery; None where a person had a part in it.

    The two times are of two clocks: Mailroom raises an alert where they are far apart.
    """
    if document.state is not DocumentState.ROUTED or document.decisions or job is None or job.ended_at is None:
        return None
    made = [item.delivered_at for item in document.deliveries if item.delivered_at is not None]
    return max(0.0, max(made) - job.ended_at) if made else None


def by_frequent_names(counts: Mapping[str, int]) -> Counts:
    """The counts, with at most MOST_NAMES types and as many partners by name."""
    after = Counts(counts)
    for prefixes in (_BY_TYPE, _BY_PARTNER):
        found = {key: prefix for key in after if (prefix := _prefix(key, prefixes))}
        named = Counts()
        for key, prefix in found.items():
            named[key.removeprefix(prefix)] += after[key]
        del named[OTHER]
        rare = {name for name, _ in named.most_common()[MOST_NAMES:]}
        for key, prefix in found.items():
            if key.removeprefix(prefix) in rare:
                after[prefix + OTHER] += after.pop(key)
    return after


def _prefix(key: str, prefixes: Iterable[str]) -> str:
    return next((prefix for prefix in prefixes if key.startswith(prefix)), "")


def total(counts: Mapping[str, int], *states: str) -> int:
    """How many documents are in one of these states."""
    return sum(count for key, count in counts.items() if key.partition("/")[0] in states)


def by_name(counts: Mapping[str, int], prefix: str) -> Counts:
    """The counts of the keys that begin with this, by the rest of the key."""
    return Counts({key.removeprefix(prefix): count for key, count in counts.items() if key.startswith(prefix)})


def at_most(counts: Mapping[str, int], share: float) -> float | None:
    """Seconds within which this share of the routed documents were delivered, rounded up to a step of LATE.

    None without any; infinity where it is more than the last step.
    """
    late = by_name(counts, "late/")
    seen, wanted = 0, share * late.total()
    for step, bound in enumerate((*LATE, float("inf"))):
        seen += late[str(step)]
        if seen and seen >= wanted:
            return bound
    return None
