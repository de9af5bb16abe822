"""Ingests a file or a parse job that is already at LlamaCloud, by its id. Nothing is uploaded or read here.

The same id is the same document: ingesting it again changes nothing. Its submission shows whether LlamaCloud has it.
"""

from dataclasses import dataclass, field

from receiver.core.document import NAMING, Document, Origin
from receiver.core.errors import Malformed
from receiver.core.ids import document_id
from receiver.core.media import PDF, named_type
from receiver.core.safe_names import whole
from receiver.core.task import submission_of
from receiver.core.vendor_input import SCHEME, is_parse_job, one_spelling, refuse_no_file, refuse_no_parse_job
from receiver.pipeline.context import Context
from receiver.pipeline.ingest import Ingested, ingested_before, inserted
from receiver.pipeline.installation import installation

NAME_CHARACTERS = 255
ENTRIES, KEY_CHARACTERS, VALUE_CHARACTERS = 20, 64, 500
"""Limits on the metadata of one document."""
OURS = frozenset({"came_by", "packet", "split_job"})
"""Keys that Mailroom writes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingVendorFile:
    """A request to ingest one of the two ids, with what is known of the document."""

    file_id: str = ""
    parse_job_id: str = ""
    name: str = ""
    """If empty, the name that LlamaCloud has is used."""
    sender: str = ""
    packet: bool = False
    bulk: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises Malformed."""
        if bool(self.file_id) == bool(self.parse_job_id):
            raise Malformed("give one of file_id and parse_job_id")
        if self.file_id:
            refuse_no_file(self.file_id)
        else:
            refuse_no_parse_job(self.parse_job_id)
        if len(self.name) > NAME_CHARACTERS:
            raise Malformed(f"the name has more than {NAME_CHARACTERS} characters")
        _refuse_metadata(self.metadata)

    @property
    def vendor_id(self) -> str:
        return one_spelling(self.file_id or self.parse_job_id)


def _refuse_metadata(given: dict[str, str]) -> None:
    if len(given) > ENTRIES:
        raise Malformed(f"more than {ENTRIES} entries of metadata")
    for key, value in given.items():
        if not 0 < len(key) <= KEY_CHARACTERS or not key.isprintable():
            raise Malformed(f"metadata key {key!r:.80} does not have 1 to {KEY_CHARACTERS} printable characters")
        if key in OURS:
            raise Malformed(f"metadata key {key!r} is one that Mailroom writes itself", fix="use another one")
        if len(value) > VALUE_CHARACTERS:
            raise Malformed(f"metadata {key!r} has more than {VALUE_CHARACTERS} characters")


async def ingest_vendor_file(arrival: IncomingVendorFile, context: Context) -> Ingested:
    """The document, stored together with the task that submits it."""
    document = _document(arrival, await installation(context), context)
    task = submission_of(document, now=document.taken_in_at, bulk=arrival.bulk)
    existing = await inserted(document, (task,), context)
    if existing is not None:
        return ingested_before(
            existing,
            packet=arrival.packet and not existing.packet,
            name=document.name not in (existing.name, arrival.vendor_id),
            metadata=not document.metadata.items() <= existing.metadata.items(),
        )
    context.meter.count("mailroom_documents", source=SCHEME)
    await context.enqueue(task.id)
    return Ingested(document, fresh=True)


def _document(arrival: IncomingVendorFile, installed: str, context: Context) -> Document:
    origin, now = Origin(kind=SCHEME, locator=arrival.vendor_id, sender=whole(arrival.sender)), context.clock()
    identity, name = document_id(origin, ""), whole(arrival.name).strip() or arrival.vendor_id
    return Document(
        id=identity,
        name=name,
        sha256="",
        size=0,
        media_type=PDF if is_parse_job(arrival.vendor_id) else named_type(name),
        origin=origin,
        content=f"{SCHEME}:{arrival.vendor_id}",
        taken_in_at=now,
        naming=NAMING,
        packet=arrival.packet,
        batch_id=identity,
        metadata={whole(key): whole(value) for key, value in arrival.metadata.items()},
        deadline=now + context.config.deadline_seconds,
        installation=installed,
    ).note(now, "received", f"{SCHEME} {origin.locator}")
