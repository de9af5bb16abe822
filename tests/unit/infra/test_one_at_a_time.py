"""Of two deployments from one folder the second waits for the first."""

import threading
from pathlib import Path

import pytest

from scripts.deploying.one_at_a_time import one_at_a_time


def test_the_second_says_that_it_waits_and_begins_when_the_first_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock, order, waits = tmp_path / "cache" / "deploy.lock", [], threading.Event()

    def second() -> None:
        waits.set()
        with one_at_a_time(lock):
            order.append("second")

    with one_at_a_time(lock):
        other = threading.Thread(target=second)
        other.start()
        waits.wait()
        while "waiting for its end" not in capsys.readouterr().out:
            pass
        order.append("first")
    other.join()
    assert order == ["first", "second"]
