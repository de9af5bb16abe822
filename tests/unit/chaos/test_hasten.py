"""The chaos runs shorten waits by name: a wait that is renamed or moved is missed here, not in the minutes of a run."""

from tests.chaos.app import SHORTENED


def test_every_wait_that_the_chaos_runs_shorten_is_there() -> None:
    assert [f"{where.__name__}.{name}" for where, name, _ in SHORTENED if not hasattr(where, name)] == []
