"""What the sandbox remembers."""

from pathlib import Path

from llamacloud_sandbox.records import File, Hook, Job, Status
from llamacloud_sandbox.state import State


def a_file(number: int) -> File:
    """A file record."""
    return File(id=f"dfl-{number}", project_id="p", name=f"{number}.pdf", size=1, sha256="0", created_at=float(number))


def a_job(**fields: object) -> Job:
    """A job record."""
    given = {"id": "cls-1", "product": "classify", "project_id": "p", "user_id": "u", "file_id": "dfl-1"}
    more = {"input": "dfl-1", "input_type": "file_id", "configuration": {"rules": []}, "created_at": 1.0}
    return Job(**{**given, **more, "updated_at": 1.0, **fields})  # type: ignore[arg-type]


def test_records_come_newest_first_and_a_place_outlives_changes(tmp_path: Path) -> None:
    state = State(tmp_path)
    for number in range(4):
        state.files.put(a_file(number))
    places = {record.id: place for place, record in state.files.newest()}
    state.files.remove("dfl-2")
    state.files.put(a_file(1))
    state.files.put(a_file(4))
    assert [record.id for _, record in state.files.newest()] == ["dfl-4", "dfl-3", "dfl-1", "dfl-0"]
    assert [record.id for _, record in state.files.newest(places["dfl-3"])] == ["dfl-1", "dfl-0"]
    state.close()


def test_a_folder_survives_a_restart(tmp_path: Path) -> None:
    state = State(tmp_path)
    hook = Hook(url="http://x", events=("classify.success",), headers={"a": "b"}, output_format="json", secret="s")
    job = a_job(hooks=(hook,), transaction_id="t-1", status=Status.RUNNING)
    state.add_job(job)
    state.files.put(a_file(1))
    state.files.put(a_file(2))
    state.files.remove("dfl-1")
    state.path("dfl-2").write_bytes(b"x")
    state.close()
    again = State(tmp_path)
    assert again.jobs.oldest() == [job]
    assert again.files.oldest() == [a_file(2)]
    assert again.path("dfl-2").read_bytes() == b"x"
    assert again.job_of_transaction("classify", "p", "t-1") == job
    again.close()


def test_a_line_cut_off_by_a_crash_loses_only_itself(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.files.put(a_file(1))
    state.close()
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write('["files", "dfl-2", {"id": "dfl-')
    again = State(tmp_path)
    assert again.files.oldest() == [a_file(1)]
    again.close()


def test_without_a_folder_nothing_stays_behind() -> None:
    state = State()
    state.path("dfl-1").write_bytes(b"x")
    state.close()
    assert not state.folder.exists()
