"""The log: one JSON object a line, and nothing lost by writing lines together."""

import io
import json
import logging
import threading

import pytest

from receiver.log import TOGETHER_SECONDS, GroupedHandler, RateLimitedLog, log_line, set_up

log = logging.getLogger("mailroom.event")


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(text) for text in stream.getvalue().splitlines()]


@pytest.mark.parametrize("together", [False, True])
def test_a_line_is_one_json_object_with_its_facts_and_without_empty_ones(together: bool) -> None:
    stream = io.StringIO()
    set_up("info", stream, together=together)
    log_line(log, logging.INFO, "event.accepted", event="evt-1", note="two\nlines ü", size=0, job="", late=None)
    log_line(log, logging.DEBUG, "not.told")
    logging.getLogger("mailroom").handlers[0].flush()
    [told] = lines(stream)
    assert told.pop("at")
    assert told == {"level": "info", "what": "event.accepted", "event": "evt-1", "note": "two\nlines ü", "size": 0}


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_text_that_is_not_unicode_and_an_error_without_words_are_written_all_the_same() -> None:
    stream = io.StringIO()
    set_up("info", stream)
    log_line(log, logging.WARNING, "event.refused", note="\udcff", size=1)
    try:
        raise UnspeakableError
    except UnspeakableError:
        log.exception("unhandled_exception")
    refused, fault = lines(stream)
    assert (refused["note"], refused["size"]) == ("\udcff", 1)
    assert fault["error"] == "UnspeakableError: "
    assert "test_log.py" in str(fault["trace"])


def test_what_is_wrong_is_written_at_once_after_what_came_before() -> None:
    stream = io.StringIO()
    set_up("info", stream, together=True)
    log_line(log, logging.INFO, "first")
    assert lines(stream) == []
    log_line(log, logging.WARNING, "second")
    assert [told["what"] for told in lines(stream)] == ["first", "second"]


def test_a_quiet_line_is_written_a_moment_later() -> None:
    written = threading.Event()

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            done = super().write(text)
            written.set()
            return done

    stream = Stream()
    set_up("info", stream, together=True)
    log_line(log, logging.INFO, "alone")
    assert written.wait(TOGETHER_SECONDS * 50)
    assert [told["what"] for told in lines(stream)] == ["alone"]


def test_a_line_that_outsiders_cause_is_written_so_often_and_then_counted() -> None:
    stream, now = io.StringIO(), [0.0]
    set_up("info", stream)
    sparing = RateLimitedLog(log, logging.WARNING, "flood", lines=3, seconds=10, clock=lambda: now[0], cause="x")
    for number in range(1000):
        sparing.log(number=number)
    now[0] = 10.0
    sparing.log(number="later")
    sparing.log(number="again")
    told = [(line["number"], line.get("times")) for line in lines(stream)]
    assert told == [(0, None), (1, None), (2, None), ("later", 998), ("again", None)]


def test_no_line_is_lost_between_threads() -> None:
    stream = io.StringIO()
    handler = GroupedHandler(stream)
    logger = logging.Logger("mailroom.test", logging.INFO)
    logger.addHandler(handler)
    handler.setFormatter(logging.Formatter("%(message)s"))

    def write(name: str) -> None:
        for number in range(500):
            log_line(logger, logging.WARNING if number % 50 == 0 else logging.INFO, f"{name}{number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.flush()
    assert sorted(stream.getvalue().split()) == sorted(f"{name}{number}" for name in "abcd" for number in range(500))


def test_a_stream_that_cannot_be_written_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    set_up("info", stream, together=True)
    stream.close()
    log_line(log, logging.ERROR, "told.to.nobody")
    assert "closed file" in capsys.readouterr().err


def test_a_fault_shows_its_trace() -> None:
    stream = io.StringIO()
    set_up("info", stream)
    try:
        raise RuntimeError("a mistake")
    except RuntimeError:
        log.exception("unhandled_exception", extra={"facts": {"path": "/x"}})
    [told] = lines(stream)
    assert (told["error"], told["path"]) == ("RuntimeError: a mistake", "/x")
    assert "test_log.py" in str(told["trace"])
