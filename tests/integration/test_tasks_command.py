"""``mailroom tasks`` and ``mailroom replay`` with what is about no document: it is listed, explained and replayed."""

import json
import shlex
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from receiver.cli.replay import replay
from receiver.cli.tasks import tasks
from receiver.core.change import Insert
from receiver.core.document import DocumentState, Step
from receiver.core.task import Task, TaskState
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_document, a_task
from tests.unit.test_routes_command import TABLE

LONE = "react:cls-1%3Ax:classify.success"


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a parked task about no document, and one of a document."""
    config, path = tmp_path / "mailroom.yaml", tmp_path / "mailroom.db"
    config.write_text(TABLE.replace("/PLACE", str(tmp_path)))
    for name, value in {
        "MAILROOM_STORE": f"sqlite:///{path}",
        "MAILROOM_CONFIG": str(config),
        "MAILROOM_PUBLIC_URL": "https://mail.example.com",
        "MAILROOM_TOKEN_SECRETS": "a-secret-of-some-length",
        "LLAMA_CLOUD_API_KEY": "llx-1",
    }.items():
        monkeypatch.setenv(name, value)
    failed = {"state": TaskState.PARKED, "error": "the key was refused", "cause": "access_denied", "attempts": 1}
    details = {"job_id": "cls-1:x", "type": "classify.success", "document_id": ""}

    async def fill() -> None:
        store = SqliteStore(path)
        await store.apply(
            Insert(a_task(id=LONE, subject="cls-1:x", details=details, **failed)),
            Insert(a_document(id="doc_a", name="a.pdf", state=DocumentState.REVIEW, step=Step.SETTLED)),
            Insert(a_task(id="submit:doc_a:0", kind="submit", subject="doc_a", **failed)),
        )
        await store.close()

    anyio.run(fill)
    return path


def kept(path: Path, task_id: str) -> Task:
    async def read() -> Task | None:
        store = SqliteStore(path)
        try:
            return await store.get(Task, task_id)
        finally:
            await store.close()

    task = anyio.run(read)
    assert task is not None
    return task


def test_a_parked_task_is_explained_with_what_makes_it_ready_again(store_path: Path) -> None:
    said = run(tasks, LONE).stdout
    for part in ("cls-1:x", "parked after 1 attempt\n", "access_denied: the key was refused", "classify.success"):
        assert part in said
    assert f"mailroom replay {LONE}\n" in said
    assert json.loads(run(tasks, LONE, "--json").stdout)["details"]["job_id"] == "cls-1:x"


@pytest.mark.parametrize("state", TaskState)
def test_tasks_are_listed_by_state_also_those_that_no_index_lists(store_path: Path, state: TaskState) -> None:
    async def fill() -> None:
        store = SqliteStore(store_path)
        tasks_of_each = [
            a_task(id=f"{item}-{n}", state=item, due_at=2e9 + n, created_at=2e9 + n)
            for item in TaskState
            for n in range(3)
        ]
        await store.apply(*map(Insert, tasks_of_each))
        await store.close()

    anyio.run(fill)
    listed = json.loads(run(tasks, "--state", state.value, "--limit", "2", "--json").stdout)["tasks"]
    assert [item["task_id"] for item in listed] == [f"{state}-2", f"{state}-1"]


def test_a_task_that_is_not_there_is_named(store_path: Path) -> None:
    result = CliRunner().invoke(tasks, ["react:nope"])
    assert "there is no task react:nope" in str(result.exception)


def test_a_task_about_no_document_is_replayed_by_its_id(store_path: Path) -> None:
    foreseen = json.loads(run(replay, LONE, "--dry-run", "--json").stdout)["replayed"]
    assert foreseen == [{"task_id": LONE, "kind": "react", "action": "resume", "detail": "the key was refused"}]
    assert kept(store_path, LONE).state is TaskState.PARKED
    assert LONE in run(replay, LONE).stdout
    assert kept(store_path, LONE).state is TaskState.READY
    assert json.loads(run(replay, LONE, "--json").stdout)["replayed"][0]["action"] == "nothing"


def test_all_that_is_parked_is_replayed_once_each(store_path: Path) -> None:
    done = json.loads(run(replay, "--parked", "--json").stdout)["replayed"]
    assert sorted(item.get("task_id") or item["document_id"] for item in done) == ["doc_a", LONE]
    assert {kept(store_path, item).state for item in (LONE, "submit:doc_a:0")} == {TaskState.READY}


def test_a_task_of_a_document_named_by_its_own_id_takes_its_document_along(store_path: Path) -> None:
    done = json.loads(run(replay, "submit:doc_a:0", "--json").stdout)["replayed"]
    assert [(item["task_id"], item["action"]) for item in done] == [("submit:doc_a:0", "resume")]
    assert kept(store_path, "submit:doc_a:0").state is TaskState.READY


def test_what_is_neither_is_an_error(store_path: Path) -> None:
    result = run(replay, "doc_b")
    assert result.exit_code == 1
    assert "no document or task has the id doc_b" in result.stderr


def test_what_a_person_is_told_to_type_is_safe_to_type(store_path: Path) -> None:
    hostile = "react:$(id)`id`'; id #:x"

    async def add() -> None:
        store = SqliteStore(store_path)
        await store.apply(Insert(a_task(id=hostile, state=TaskState.PARKED)))
        await store.close()

    anyio.run(add)
    told = run(tasks, hostile).stdout.splitlines()[-1].removeprefix("to retry: ")
    assert shlex.split(told) == ["mailroom", "replay", hostile]
