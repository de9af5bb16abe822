"""Finds a document by what people have of it: its name, the job at LlamaCloud, or the beginning of its id."""

from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.core.ids import DOCUMENT
from receiver.core.job import Job
from receiver.operations.document_report import fix_for_missing
from receiver.pipeline.records import PAGE, every_record
from receiver.ports import Store

AT_MOST = 20
"""Documents that are listed when several fit."""


async def documents_called(word: str, store: Store) -> list[Document]:
    """The documents that this word fits: one by its id or a job's, else the newest AT_MOST by name or prefix of the id.

    Ids are looked up. No index has names and prefixes, so for those all documents are read, newest first, until there
    are enough. A name fits whatever its case. Raises NotFound.
    """
    if not word:
        raise NotFound("an empty name is no document's", fix="to list them: mailroom documents")
    if exact := await _by_id(word, store):
        return [exact]
    found: list[Document] = []
    async for document in every_record(Document, Query(newest_first=True, limit=PAGE), store):
        if _fits(document, word):
            found.append(document)
        if len(found) == AT_MOST:
            break
    if not found:
        raise NotFound(
            f"there is no document {word}: no id or job id is or begins like this, and no name is this",
            fix=await fix_for_missing(word, store),
        )
    return found


async def _by_id(word: str, store: Store) -> Document | None:
    if document := await store.get(Document, word):
        return document
    job = await store.get(Job, word)
    return await store.get(Document, job.document_id) if job else None


def _fits(document: Document, word: str) -> bool:
    beginnings = (document.id, document.id.removeprefix(f"{DOCUMENT}_"), document.job_id)
    return document.name.casefold() == word.casefold() or any(item.startswith(word) for item in beginnings)
