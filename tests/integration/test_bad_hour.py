"""A bad hour (benchmarks/alerts.py), with a part of its mail."""

from pathlib import Path

from benchmarks.alerts import hold


def test_a_bad_hour_is_ten_notices_at_most_and_all_incidents_are_resolved_by_the_commands_in_them(
    tmp_path: Path,
) -> None:
    assert hold(tmp_path, 100)
