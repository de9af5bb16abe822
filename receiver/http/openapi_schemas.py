"""The shapes of the operator's API, as JSON Schema: what is always there, and of which type. Fields may be added."""

from typing import Any

from receiver.core.copy_check import CopyKind, CopyState, Verdict
from receiver.core.decision import WHO_LIMIT, WHY_LIMIT, Choice
from receiver.core.document import DocumentState, Step
from receiver.core.effects import Effect
from receiver.core.job import JobKind, JobStatus
from receiver.core.operators import Role
from receiver.core.task import TaskState

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TEXT_OR_NONE: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NONE: Schema = {"type": ["number", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MOMENT_OR_NONE: Schema = {"type": ["string", "null"], "format": "date-time"}
OBJECT: Schema = {"type": "object"}


def named(name: str) -> Schema:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(**properties: Schema) -> Schema:
    """An object in which all of these are always there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def a_body(*required: str, **properties: Schema) -> Schema:
    """What a request may hold: these and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


def many(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def or_none(schema: Schema) -> Schema:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def word_of(values: Any) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": [str(item) for item in values]}


def listing_of(name: str, item: str) -> Schema:
    """A page of a listing."""
    return an_object(**{name: many(named(item)), "cursor": TEXT_OR_NONE})


WHO: Schema = {"type": "string", "maxLength": WHO_LIMIT, "description": "your name, for the record"}
WHY: Schema = {"type": "string", "maxLength": WHY_LIMIT}
VERSION: Schema = {"type": "integer", "description": "the version that you saw: with another one it is refused"}

DELIVERY = an_object(
    delivery_id=TEXT, to=TEXT, status=TEXT, superseded=FLAG, location=TEXT_OR_NONE, checksum=TEXT_OR_NONE,
    delivered_at=MOMENT_OR_NONE, error=TEXT_OR_NONE,
)  # fmt: skip
DOCUMENT: dict[str, Schema] = {
    "document_id": TEXT, "name": TEXT, "type": TEXT_OR_NONE, "confidence": NUMBER_OR_NONE,
    "corrected_by": TEXT_OR_NONE, "state": word_of(DocumentState), "step": word_of(Step),
    "deliveries": many(named("Delivery")), "reason": TEXT, "taken_in_at": MOMENT, "deadline": MOMENT_OR_NONE,
}  # fmt: skip
RECORD: dict[str, Schema] = DOCUMENT | {
    "size": COUNT, "sha256": TEXT, "media_type": TEXT, "shown_as": TEXT_OR_NONE, "origin": OBJECT,
    "content": TEXT_OR_NONE, "forgotten_at": MOMENT_OR_NONE, "batch_id": TEXT, "metadata": OBJECT,
    "file_id": TEXT_OR_NONE, "job_id": TEXT_OR_NONE, "submissions": COUNT, "credits": NUMBER, "unpriced_jobs": COUNT,
    "reasoning": TEXT_OR_NONE, "said": or_none(OBJECT), "said_before": many(OBJECT),
    "decisions": many(named("Decision")), "plan": or_none(OBJECT), "shadow": or_none(OBJECT),
    "history": many(an_object(at=MOMENT, what=TEXT, detail=TEXT)),
}  # fmt: skip
REPORT: dict[str, Schema] = RECORD | {
    "version": COUNT, "actions": many(TEXT), "verified": or_none(named("Check")),
    "waits_for": many(an_object(what=TEXT, next_at=MOMENT_OR_NONE, attempts=COUNT, why=TEXT_OR_NONE)),
    "jobs": many(named("Job")), "events": many(named("Event")), "tasks": many(named("Task")),
    "pieces": many(named("Document")),
}  # fmt: skip
EVENT: dict[str, Schema] = {
    "key": TEXT, "event_id": TEXT, "type": TEXT, "job_id": TEXT, "document_id": TEXT_OR_NONE,
    "sent_at": MOMENT_OR_NONE, "received_at": MOMENT, "verified_by": many(TEXT), "late": FLAG, "as_string": FLAG,
    "size": COUNT,
}  # fmt: skip
TASK: dict[str, Schema] = {
    "task_id": TEXT, "kind": TEXT, "subject": TEXT, "state": word_of(TaskState), "attempts": COUNT, "due_at": MOMENT,
    "owner": TEXT_OR_NONE, "lease_until": MOMENT_OR_NONE, "error": TEXT_OR_NONE, "cause": TEXT_OR_NONE,
    "note": TEXT_OR_NONE, "finished_at": MOMENT_OR_NONE,
}  # fmt: skip
TASK_WHOLE = TASK | {"created_at": MOMENT, "looks": COUNT, "expires_at": MOMENT_OR_NONE, "details": OBJECT}
INCIDENT: dict[str, Schema] = {
    "key": TEXT, "status": TEXT, "severity": TEXT, "kind": TEXT, "title": TEXT, "detail": TEXT, "fix": TEXT,
    "commands": many(TEXT), "count": COUNT, "opened_at": MOMENT, "last_at": MOMENT, "closed_at": MOMENT_OR_NONE,
    "acknowledged_at": MOMENT_OR_NONE, "silenced_until": MOMENT_OR_NONE, "examples": many(OBJECT),
}  # fmt: skip
OUTCOMES = an_object(right=COUNT, wrong=COUNT, uncorrected=COUNT, waiting=COUNT, checked=COUNT)
INGESTED = an_object(document_id=TEXT, name=TEXT, fresh=FLAG)
EFFECT = an_object(effect=word_of(Effect), place=TEXT, meaning=TEXT_OR_NONE)
CHECK: dict[str, Schema] = {
    "document_id": TEXT, "name": TEXT, "at": MOMENT, "verdict": word_of(Verdict),
    "places": many(an_object(
        place=TEXT, kind=word_of(CopyKind), state=word_of(CopyState), expected_sha256=TEXT_OR_NONE,
        found_sha256=TEXT_OR_NONE, why=TEXT_OR_NONE, fix=TEXT_OR_NONE, superseded=FLAG,
    )),
}  # fmt: skip
BY_STATE: dict[str, Schema] = {str(state): COUNT for state in DocumentState}
BUCKET = an_object(
    at=MOMENT, complete=FLAG, counted_at=MOMENT_OR_NONE, **BY_STATE,
    types=many(an_object(type=TEXT, **BY_STATE, confidence=many(COUNT))),
    late=an_object(documents=COUNT, p50=NUMBER_OR_NONE, p95=NUMBER_OR_NONE),
    heard_by=an_object(event=COUNT, asked=COUNT),
    partners=many(an_object(partner=TEXT, delivered=COUNT, gave_up=COUNT)),
    queue=or_none(an_object(open=COUNT, review=COUNT, parked=COUNT, overdue=COUNT)),
)  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    "Error": an_object(error=an_object(code=TEXT, message=TEXT)),
    "Delivery": DELIVERY,
    "Document": an_object(**DOCUMENT),
    "Record": an_object(**RECORD),
    "Report": an_object(**REPORT),
    "Decision": an_object(
        number=COUNT, at=MOMENT, who=TEXT, decided=word_of(Choice), value=TEXT_OR_NONE, text=TEXT, why=TEXT_OR_NONE,
        before=TEXT, undoes={"type": ["integer", "null"]},
    ),
    "Change": an_object(
        document_id=TEXT, version=COUNT, name=TEXT, before=TEXT, reason=TEXT, type=TEXT_OR_NONE, review=FLAG,
        effects=many(EFFECT),
    ),
    "Changes": an_object(
        documents=many(an_object(document_id=TEXT, name=TEXT_OR_NONE, state=TEXT_OR_NONE, done=FLAG, why=TEXT_OR_NONE)),
        preview=FLAG,
    ),
    "PricePreview": an_object(
        documents=many(an_object(
            document_id=TEXT, name=TEXT, pages={"type": ["integer", "null"]}, why_not=TEXT_OR_NONE,
        )),
        wanted=COUNT, price=TEXT,
    ),
    "Replayed": an_object(
        replayed=many(an_object(action=TEXT, detail=TEXT)), price=TEXT_OR_NONE, preview=FLAG,
    ),
    "Check": an_object(**CHECK),
    "Verified": an_object(**CHECK, restored=COUNT),
    "Job": an_object(
        job_id=TEXT, kind=word_of(JobKind), status=word_of(JobStatus), document_id=TEXT, transaction_id=TEXT,
        created_at=MOMENT_OR_NONE, deadline=MOMENT_OR_NONE, error=TEXT_OR_NONE, credits=NUMBER_OR_NONE,
    ),
    "Event": an_object(**EVENT),
    "EventReport": an_object(
        **EVENT, envelope=OBJECT, task=or_none(named("TaskWhole")), job=or_none(named("Job")),
        document=or_none(named("Document")), others=many(named("Event")),
    ),
    "Task": an_object(**TASK),
    "TaskWhole": an_object(**TASK_WHOLE),
    "Incident": an_object(**INCIDENT),
    "IncidentReport": an_object(**INCIDENT, documents=many(OBJECT), channels=many(OBJECT)),
    "Documents": an_object(
        documents=many(named("Document")), cursor=TEXT_OR_NONE, total={"type": ["integer", "null"]},
        total_is_exact=FLAG, looked_at=COUNT, looked_back_to=MOMENT_OR_NONE, not_indexed=COUNT, q=TEXT,
    ),
    "Events": listing_of("events", "Event"),
    "Tasks": listing_of("tasks", "Task"),
    "Incidents": listing_of("alerts", "Incident"),
    "Ingested": an_object(documents=many(INGESTED)),
    "Manifest": an_object(document_id=TEXT, sha256=TEXT, document=OBJECT),
    "Link": an_object(url=TEXT),
    "Pages": an_object(
        document_id=TEXT, page_count=COUNT, pages=many(an_object(page=COUNT, width=NUMBER, height=NUMBER))
    ),
    "Text": an_object(document_id=TEXT, text=TEXT, truncated=FLAG),
    "Retry": an_object(document_id=TEXT, action=TEXT, detail=TEXT),
    "Price": an_object(document_id=TEXT, price=TEXT),
    "Pauses": an_object(
        paused=many(an_object(what=TEXT, until=MOMENT_OR_NONE, reason=TEXT, since=MOMENT_OR_NONE, by=TEXT))
    ),
    "Costs": an_object(rows=many(OBJECT), credits=NUMBER, unpriced_jobs=COUNT, complete=FLAG),
    "Calibration": an_object(
        types=many(an_object(
            type=TEXT_OR_NONE, threshold=NUMBER_OR_NONE, above=OUTCOMES, below=OUTCOMES, became=OBJECT,
            suggested=NUMBER_OR_NONE, because=TEXT,
        )),
        target=NUMBER, documents=COUNT, complete=FLAG,
    ),
    "Backtest": an_object(tested=COUNT, moved=COUNT, documents=many(OBJECT), complete=FLAG),
    "Series": an_object(period=TEXT, step_seconds=NUMBER, buckets=many(BUCKET)),
    "Overview": an_object(
        balance=OBJECT, balanced=FLAG, overdue=many(named("Document")), alerts=many(named("Incident")), standing=COUNT,
        routes=OBJECT, types=many(TEXT),
    ),
    "Channels": an_object(channels=many(OBJECT)),
    "Session": an_object(name=TEXT_OR_NONE, role=word_of(Role), ends_at=MOMENT_OR_NONE),
    "SignedOut": an_object(signed_out=FLAG),
}  # fmt: skip
