"""What the sandbox remembers, in memory or in a folder that survives a restart; file bytes always lie on the disk.

The folder holds `journal.jsonl` (one line per change, replayed and rewritten at start) and `files/`. Changes are
flushed to the operating system, not synced: a killed sandbox loses nothing, a pulled plug may.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from llamacloud_sandbox.records import ClassifierJob, File, Job, ParseJob, Preset, SavedHook


class Record(Protocol):
    """Anything kept in a table."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Record)
Note = Callable[[str, str, Any], None]


class Table(Generic[T]):
    """Records by id, in the order they were first put; a record's place never changes, so a page token stays valid."""

    def __init__(self, name: str, kind: type[T], note: Note) -> None:
        self.name, self.kind, self._note = name, TypeAdapter(kind), note
        self._records: dict[str, T] = {}
        self._places: dict[str, int] = {}
        self._order: list[str | None] = []

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: T) -> T:
        """The record, now kept (added, or replaced in its place)."""
        if record.id not in self._records:
            self._places[record.id] = len(self._order)
            self._order.append(record.id)
        self._records[record.id] = record
        self._note(self.name, record.id, record)
        return record

    def get(self, record_id: str) -> T | None:
        """The record of that id, or None."""
        return self._records.get(record_id)

    def remove(self, record_id: str) -> None:
        """Forget the record; an unknown id is no error."""
        if self._records.pop(record_id, None) is not None:
            self._order[self._places.pop(record_id)] = None
            self._note(self.name, record_id, None)

    def newest(self, before: int | None = None) -> Iterator[tuple[int, T]]:
        """(place, record), newest first, starting below the place `before`."""
        top = len(self._order) if before is None else min(before, len(self._order))
        for place in range(top - 1, -1, -1):
            record_id = self._order[place]
            if record_id is not None:
                yield place, self._records[record_id]

    def oldest(self) -> list[T]:
        """All records, oldest first."""
        return list(self._records.values())

    def clear(self) -> None:
        """Forget everything."""
        for record_id in list(self._records):
            self.remove(record_id)


class State:
    """All tables, and the folder for the bytes of files."""

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="llamacloud-sandbox-"))
        self.bytes_folder = self.folder / "files"
        self.bytes_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._journal: IO[str] | None = None
        self.files = Table("files", File, self._note)
        self.jobs = Table("jobs", Job, self._note)
        self.parse_jobs = Table("parse_jobs", ParseJob, self._note)
        self.classifier_jobs = Table("classifier_jobs", ClassifierJob, self._note)
        self.hooks = Table("hooks", SavedHook, self._note)
        self.presets = Table("presets", Preset, self._note)
        self._tables: dict[str, Table[Any]] = {
            table.name: table
            for table in (
                self.files,
                self.jobs,
                self.parse_jobs,
                self.classifier_jobs,
                self.hooks,
                self.presets,
            )
        }
        if not self._temporary:
            self._replay()
        self.transactions = {_transaction(job): job.id for job in self.jobs.oldest() if job.transaction_id}

    def path(self, file_id: str) -> Path:
        """Where the bytes of a file lie (or would lie); ids are made by us, never names from outside."""
        return self.bytes_folder / file_id

    def add_job(self, job: Job) -> Job:
        """The job, now kept and found by its transaction id."""
        if job.transaction_id:
            self.transactions[_transaction(job)] = job.id
        return self.jobs.put(job)

    def job_of_transaction(self, product: str, project_id: str, transaction_id: str) -> Job | None:
        """The job that was created under this transaction id in this project, if it still exists."""
        return self.jobs.get(self.transactions.get((product, project_id, transaction_id), ""))

    def reset(self) -> None:
        """Forget everything, the bytes of files included."""
        for table in self._tables.values():
            table.clear()
        self.transactions.clear()
        for path in self.bytes_folder.iterdir():
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal; remove the folder if it was a temporary one."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, table: str, record_id: str, record: Any) -> None:
        if self._journal is not None:
            kept = None if record is None else self._tables[table].kind.dump_python(record, mode="json")
            self._journal.write(json.dumps([table, record_id, kept]) + "\n")
            self._journal.flush()

    def _replay(self) -> None:
        path = self.folder / "journal.jsonl"
        for line in path.read_text().splitlines() if path.exists() else ():
            self._apply(line)
        fresh = path.with_suffix(".fresh")
        self._journal = os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w")
        for name, table in self._tables.items():
            for record in table.oldest():
                self._note(name, record.id, record)
        fresh.replace(path)

    def _apply(self, line: str) -> None:
        try:
            name, record_id, kept = json.loads(line)
        except ValueError:  # the last line of a process that was killed while writing
            return
        table = self._tables[name]
        if kept is None:
            table.remove(record_id)
        else:
            table.put(table.kind.validate_python(kept))


def _transaction(job: Job) -> tuple[str, str, str]:
    return job.product, job.project_id, job.transaction_id or ""
