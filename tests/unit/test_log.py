"""The log: one JSON object a line, and nothing lost by writing lines together."""

import io
import json
import logging
import os
import pty
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A terminal as a stream to write on, and where its screen is read."""
    screen, line = pty.openpty()
    with os.fdopen(line, "w", encoding="utf-8") as stream:
        yield stream, screen
    os.close(screen)


def seen(terminal: tuple[TextIO, int]) -> str:
    terminal[0].flush()
    return os.read(terminal[1], 65536).decode()


@pytest.mark.parametrize(("layout", "readable"), [("auto", True), ("text", True), ("json", False)])
def test_a_terminal_gets_readable_lines_unless_json_is_asked_for(
    terminal: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch, layout: str, readable: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    set_up("info", terminal[0], layout=layout)
    log_line(log, logging.WARNING, "event.refused", cause="no proof", event="evt-1", size=3)
    text = seen(terminal)
    assert text.endswith(' warning event.refused  cause="no proof"  event=evt-1  size=3\r\n') == readable
    assert text.startswith("{") != readable


@pytest.mark.parametrize(("layout", "readable"), [("auto", False), ("json", False), ("text", True)])
def test_what_is_no_terminal_gets_json_unless_text_is_asked_for(layout: str, readable: bool) -> None:
    stream = io.StringIO()
    set_up("info", stream, layout=layout)
    log_line(log, logging.INFO, "event.accepted", event="evt-1")
    assert stream.getvalue().endswith(" info    event.accepted  event=evt-1\n") == readable
    assert readable or lines(stream)[0]["event"] == "evt-1"


def test_a_terminal_is_coloured_unless_its_user_says_no(
    terminal: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for no_colour, codes in (("", 4), ("1", 0)):
        monkeypatch.setenv("NO_COLOR", no_colour)
        monkeypatch.setenv("TERM", "xterm")
        set_up("info", terminal[0])
        log_line(log, logging.ERROR, "event.refused")
        assert seen(terminal).count("\x1b[") == codes


def test_a_readable_fault_shows_its_trace_below() -> None:
    stream = io.StringIO()
    set_up("info", stream, layout="text")
    try:
        raise RuntimeError("a mistake\nof two lines")
    except RuntimeError:
        log.exception("unhandled_exception", extra={"facts": {"path": "/x"}})
    first, *trace = stream.getvalue().splitlines()
    assert "unhandled_exception  path=/x  error=" in first
    assert "RuntimeError: a mistake" in first
    assert any("test_log.py" in line for line in trace)
    assert all(line.startswith("    ") for line in trace)


@given(value=st.text(), what=st.text(min_size=1))
def test_text_from_outside_neither_steers_the_terminal_nor_begins_a_line(value: str, what: str) -> None:
    stream = io.StringIO()
    set_up("info", stream, layout="text")
    log_line(log, logging.INFO, what, name=value)
    assert stream.getvalue()[:-1].isprintable()
