"""docs/schemas/*.json: what a message and a manifest hold, as JSON Schemas that stand each by themselves."""

import json
from typing import Any

from handlers.destinations.cloudevent import SCHEMA
from receiver.core.decision import Choice
from receiver.core.delivery_request import PointerState
from receiver.core.document import DocumentState
from receiver.core.mail import Fate
from receiver.core.manifest import SCHEMA as MANIFEST
from receiver.core.message_type import Meaning
from receiver.core.plan import Way

Schema = dict[str, Any]
EVENT = "urn:mailroom:event:1"


def _says(kind: str | list[str], about: str = "", **more: Any) -> Schema:
    return {"type": kind, **({"description": about} if about else {}), **more}


def _object(about: str, fields: dict[str, Schema], *, optional: tuple[str, ...] = (), nullable: bool = False) -> Schema:
    required = [name for name in fields if name not in optional]
    return _says(["object", "null"] if nullable else "object", about, properties=fields, required=required)


TEXT, COUNT = _says("string"), _says("integer", minimum=0)
PAGES = _says("array", "Page numbers, from 1.", items={"type": "integer", "minimum": 1})
SHA256 = _says("string", "Of the document's bytes, in hex; empty where nobody knew it.", pattern="^([0-9a-f]{64})?$")
CONFIDENCE = _says("number", "How sure the classifier is.", minimum=0, maximum=1)
DELIVERY = _says("string", "The id of this delivery: it follows from document, place and what is delivered.")

DOCUMENT = _object(
    "What it is, and where it came from.",
    {
        "id": _says("string", "Mailroom's id of the document."),
        "name": _says("string", "The file name that it came with."),
        "media_type": TEXT,
        "size": _says("integer", "In bytes.", minimum=0),
        "sha256": SHA256,
        "taken_in_at": _says("string", format="date-time"),
        "source": _says("string", "The way in: folder, upload, s3, email, piece or adopted."),
        "locator": _says("string", "What tells it apart within its source."),
        "sender": TEXT,
        "batch_id": _says("string", "The same for all that came together: an e-mail's attachments, a packet's pieces."),
        "same_bytes_as": _says("string", "The document that came in with the same bytes before."),
        "metadata": _says("object", "What the way in said beside."),
    },
    optional=("same_bytes_as", "metadata"),
)
CLASSIFICATION = _object(
    "The result that counts: a person's correction, or else LlamaCloud's result; null where there is none.",
    {
        "type": _says(["string", "null"], "The rule that fits; null when none does, and the confidence is in that."),
        "confidence": CONFIDENCE,
        "reasoning": TEXT,
        "corrected_by": _says("string", "The person who gave the type; absent where LlamaCloud's counts."),
    },
    optional=("corrected_by",),
    nullable=True,
)
SAID = _object(
    "What LlamaCloud said, where a person's type counts instead; null where it said nothing, or is not known.",
    {"type": _says(["string", "null"]), "confidence": CONFIDENCE, "reasoning": TEXT},
    nullable=True,
)
LLAMACLOUD = _object(
    "LlamaCloud's ids and result.",
    {"job_id": TEXT, "file_id": TEXT, "classification": SAID},
    optional=("classification",),
)
BY_PERSON = _object(
    "What a person decided.",
    {
        "number": _says("integer", "From 1, one more with each decision about the document.", minimum=1),
        "at": _says("string", format="date-time"), "who": TEXT, "decided": _says("string", enum=[*Choice]),
        "value": _says("string", "The type, or the name of the route."), "why": TEXT,
        "before": _says("string", "What held before, in words."),
        "undoes": _says("integer", "The number of the decision that was taken back.", minimum=1),
    },
    optional=("undoes",),
)  # fmt: skip
ROW = _object("One row of the routing table.", {"route": TEXT, "matched": _says("boolean"), "why": TEXT})
DECISION = {
    "way": _says("string", enum=[*Way]),
    "route": _says("string", "The row that decided, or the way."),
    "reason": TEXT,
    "review": _says("boolean", "Whether it waits for a person."),
    "table": _says("string", "A fingerprint of the routing table."),
}
PACKET = _object(
    "Of a piece: the packet that it was cut from.",
    {"parent_id": TEXT, "name": TEXT, "pages": PAGES, "category": TEXT, "confidence": TEXT, "split_job_id": TEXT},
    optional=("pages",),
)
PIECE = _object(
    "One piece of this packet.",
    {
        "id": TEXT, "name": TEXT, "pages": PAGES, "category": TEXT, "confidence": TEXT,
        "type": _says(["string", "null"]), "job_id": TEXT, "state": _says("string", enum=[*DocumentState]),
        "sha256": SHA256, "locations": _says("array", "Where it was delivered.", items=TEXT),
    },
)  # fmt: skip
PART = _object(
    "One part of this mail.",
    {
        "where": TEXT, "name": TEXT, "media_type": TEXT, "size": COUNT, "fate": _says("string", enum=[*Fate]),
        "reason": TEXT, "document_id": TEXT,
    },
)  # fmt: skip
STORY: dict[str, Schema] = {
    "mailroom": _says("integer", "The version of this shape.", const=1),
    "document": DOCUMENT,
    "classification": CLASSIFICATION,
    "llamacloud": LLAMACLOUD,
    "decisions": _says("array", "What persons decided, the oldest first.", items=BY_PERSON),
    "packet": PACKET,
    "mail": _object("Of what came in a mail: the mail.", {"id": TEXT}),
    "parts": _says("array", "Of a mail: each part, and what became of it.", items=PART),
    "pages": _object(
        "Of a packet that was cut.", {"count": _says(["integer", "null"]), "omitted": PAGES}, optional=("omitted",)
    ),
    "files_left": _says("array", "Of a packet: embedded files that no piece carries.", items=TEXT),
    "cut_by": _says("string", "Of a packet: who cut it, a job or a person."),
    "pieces": _says("array", "Of a packet: its pieces, in the order of their pages.", items=PIECE),
}  # fmt: skip
SUPERSEDED = _object(
    "Only of a copy that no longer counts, because the document was decided again.",
    {
        "at": _says("string", "Since when.", format="date-time"),
        "reason": TEXT,
        "locations": _says("array", "Where the document was delivered instead by then.", items=TEXT),
    },
)
ALWAYS = ("mailroom", "document", "classification", "llamacloud")
OWN: dict[str, Schema] = {
    "delivery_id": DELIVERY,
    "document_id": _says("string", "The same as `subject`."),
    "sequence": _says("integer", "Of two messages about a document the one with the higher number is true.", minimum=0),
    "replaces": _says("string", "The id of the message that this destination got before; empty for the first."),
    "pointer": _says("string", "Where the document can be opened: an s3://, folder:// or https:// URL; or empty."),
    "pointer_state": _says("string", "; ".join(
        f"{state}: {about}" for state, about in {
            PointerState.STORED: "the pointer names an object or a file",
            PointerState.LINKED: "the pointer is a link to Mailroom that expires",
            PointerState.PENDING: "it is not where it shall be yet, a message `available` follows",
            PointerState.NONE: "there is nothing to point to",
        }.items()
    ), enum=[*PointerState]),
    "manifest": _says("string", "Where the manifest can be opened; or empty."),
    "sha256": SHA256,
    "route": DECISION["route"],
    "shortened": _says("boolean", "Long texts, lists or more were left out, to keep the message short.", const=True),
}  # fmt: skip


def message() -> Schema:
    """Of a message's ``data``."""
    decision = _object("Why it is where it is; what each row said is in the manifest.", DECISION)
    fields = {**OWN, **STORY, "decision": {**decision, "type": ["object", "null"]}}
    optional = (*STORY, "decision", "route", "shortened")
    return _whole(SCHEMA, "The data of a message of Mailroom's", _object("", fields, optional=optional))


def manifest() -> Schema:
    """Of the file beside a document."""
    rows = _says("array", "What each row of the table said of it, from the top.", items=ROW)
    fields = {
        **STORY,
        "$schema": _says("string", const=MANIFEST),
        "delivery_id": DELIVERY,
        "document_id": TEXT,
        "location": _says("string", "Where the document lies."),
        "superseded": SUPERSEDED,
        "sha256": SHA256,
        "decision": _object("Why it is where it is.", {**DECISION, "rows": rows}),
    }
    whole = _object("", fields, optional=(*(name for name in STORY if name not in ALWAYS), "superseded"))
    return _whole(MANIFEST, "The manifest beside a document that Mailroom delivered", whole)


def event() -> Schema:
    """Of the whole message: a CloudEvent, its extensions and its data."""
    types = [f"mailroom.document.{item}" for item in Meaning]
    fields = {
        "specversion": _says("string", const="1.0"),
        "type": _says("string", "What the message says of the document.", enum=types),
        "source": _says("string", format="uri-reference"),
        "id": _says("string", "The id of the delivery: two messages of one id are one."),
        "subject": _says("string", "Mailroom's id of the document."),
        "time": _says("string", "When what it says became true.", format="date-time"),
        "datacontenttype": _says("string", const="application/json"),
        "dataschema": _says("string", const=SCHEMA),
        "sequence": _says("string", "The number in data, as CloudEvents has it.", pattern="^[0-9]+$"),
        "sequencetype": _says("string", const="Integer"),
        "way": DECISION["way"],
        "review": DECISION["review"],
        "documenttype": _says("string", "The rule that matched; absent where none did."),
        "confidence": _says("string", "Of the type; absent where there is none.", pattern=r"^[01]\.[0-9]{4}$"),
        "data": {key: value for key, value in message().items() if key not in ("$schema", "$id")},
    }  # fmt: skip
    optional = ("way", "review", "documenttype", "confidence")
    return _whole(EVENT, "A message of Mailroom's", _object("", fields, optional=optional))


def _whole(identity: str, title: str, schema: Schema) -> Schema:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": identity, "title": title, **schema}


def pages() -> dict[str, str]:
    """File -> its text."""
    made = {"event-1.json": event(), "message-1.json": message(), "manifest-1.json": manifest()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}
