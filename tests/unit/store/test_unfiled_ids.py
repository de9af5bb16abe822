"""The rows that contain an id, against a dict."""

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from pytest import MonkeyPatch

from receiver.store.sqlite import unfiled_ids
from receiver.store.sqlite.unfiled_ids import UnfiledIds

rows_of_ids = st.lists(st.lists(st.integers(0, 20).map(str), min_size=1, max_size=5), max_size=30)


@given(rows_of_ids, st.lists(st.integers(0, 30), max_size=5), st.sets(st.integers(0, 25).map(str)), st.integers(1, 31))
def test_no_unfiled_row_is_missed_whatever_is_forgotten(
    noted: list[list[str]], filed: list[int], asked: set[str], before: int
) -> None:
    with closing(UnfiledIds()) as ids:
        for row, names in enumerate(noted, start=1):
            ids.note(row, names)
        first = 1
        for until in sorted(filed):
            first = max(first, min(until, len(noted)))
            ids.forget(*((first, len(noted)) if noted else (None, None)))
        found = ids.rows_of(asked, before=before)
        holding = {row for row, names in enumerate(noted, start=1) if asked.intersection(names) and row < before}
        assert {row for row in holding if row >= first} <= set(found) <= holding
        assert ids.count <= sum(len(set(names)) for names in noted)
        ids.forget(None, None)
        assert ids.count == 0
        assert ids.rows_of(asked) == []


def test_filed_rows_are_forgotten_in_time_and_all_of_them_at_the_end(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(unfiled_ids, "FEW", 50)
    with closing(UnfiledIds()) as ids:
        for row in range(1, 201):
            ids.note(row, [f"event {row}", f"task {row}"])
            ids.forget(max(1, row - 20), row)
            assert ids.count <= 2 * 30
        ids.forget(None, None)
        assert ids.count == 0
        ids.note(201, ["event"])
        assert ids.rows_of(["event"]) == [201]
