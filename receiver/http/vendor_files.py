"""``POST /documents`` as JSON: ingests files and parse jobs at LlamaCloud by id; all of a request, or nothing."""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from receiver.core.errors import Malformed
from receiver.http.json_body import json_response, object_of
from receiver.pipeline.context import Context
from receiver.pipeline.ingest import Ingested
from receiver.pipeline.ingest_vendor_file import IncomingVendorFile, ingest_vendor_file

MOST = 100
"""Maximum documents in one request."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file_id: str = ""
    parse_job_id: str = ""
    name: str = ""
    packet: bool | None = None
    metadata: dict[str, str] = {}


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    documents: Annotated[list[_Entry], msgspec.Meta(min_length=1, max_length=MOST)]


async def take_in_vendor_files(request: Request, context: Context, *, sender: str, packet: bool) -> Response:
    """202 with the documents. ``packet`` is the default for entries without that key.

    Raises Malformed, naming the entry; then nothing is stored.
    """
    named = _named(await object_of(request), sender, packet=packet)
    taken = [await ingest_vendor_file(item, context) for item in named]
    return json_response({"documents": [ingested_data(item) for item in taken]}, 202)


def ingested_data(item: Ingested) -> dict[str, Any]:
    """One document of the response, with the given values that differ from it and were ignored."""
    data = {"document_id": item.document.id, "name": item.document.name, "fresh": item.fresh}
    return data | ({"ignored": list(item.ignored)} if item.ignored else {})


def _named(body: dict[str, Any], sender: str, *, packet: bool) -> list[IncomingVendorFile]:
    try:
        entries = msgspec.convert(body if "documents" in body else {"documents": [body]}, _Body).documents
    except msgspec.ValidationError as error:
        raise Malformed(f"{error}") from error
    found = []
    for place, item in enumerate(entries):
        try:
            fields = msgspec.structs.asdict(item) | {"packet": packet if item.packet is None else item.packet}
            found.append(IncomingVendorFile(**fields, sender=sender))
        except Malformed as error:
            raise Malformed(f"documents[{place}]: {error}", fix=error.fix) from error
    return found
