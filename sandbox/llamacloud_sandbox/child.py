"""The child's side of ``children``: its bounds, and its loop of one question and one answer a line.

It imports next to nothing before the first question needs it: a document waits for what it loads.
"""

import json
import re
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llamacloud_sandbox.unreadable import Unreadable

if sys.platform != "win32":
    import resource

PAGE_CHARACTERS = 64 * 1024  # of a page's text; LlamaCloud reads 64 KB (its page of limitations)
DAMAGED = "The document could not be read: it is damaged."
_EMPTY_LINES = re.compile(r"\n(?:[^\S\n]*\n){3,}")


def main() -> None:
    """Answer each question until standard input ends. Whatever exceeds a bound ends the child, not its parent."""
    bounds = json.loads(sys.argv[1])
    _limit(bounds["memory_bytes"])
    for line in sys.stdin.buffer:
        question = json.loads(line)
        _start_clocks(question["wall_seconds"], question["processor_seconds"])
        answer = _answered(question, bounds["text_characters"])
        _start_clocks(0, 0)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _answered(question: dict[str, Any], most: int) -> bytes:
    try:
        return _line(_bounded(_DO[question["do"]](question), most))
    except Unreadable as unreadable:
        return _line({"unreadable": str(unreadable)})
    except FileNotFoundError:
        return _line({"gone": True})
    except MemoryError:
        return _line({"too_large": True})
    except BaseException:  # noqa: BLE001
        # Whatever a parser raises on hostile input (a panic of Rust is no `Exception`): this document is unreadable.
        # The traceback is for the parent's log. A child may write to no file, and standard error may be one.
        import traceback

        return _line({"unreadable": DAMAGED, "traceback": traceback.format_exc(limit=-3)})


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _read(question: dict[str, Any]) -> dict[str, Any]:
    from llamacloud_sandbox.formats import kind, read_pages

    path = Path(question["path"])
    return {"kind": kind(path), "pages": read_pages(path, question["pages"], question["max_pages"])}


def _scan(question: dict[str, Any]) -> dict[str, Any]:
    from llamacloud_sandbox.formats import scan

    return {"pages": list(enumerate(scan(Path(question["path"]), question["page"]), start=1))}


def _classify(question: dict[str, Any]) -> dict[str, Any]:
    from llamacloud_sandbox.judge import LexicalJudge

    return {"verdict": asdict(LexicalJudge().classify(*_to_judge(question)))}


def _split(question: dict[str, Any]) -> dict[str, Any]:
    from llamacloud_sandbox.judge import LexicalJudge
    from llamacloud_sandbox.segment import Strategy

    segments = LexicalJudge().split(*_to_judge(question), Strategy(**question["strategy"]))
    return {"segments": [asdict(each) for each in segments]}


def _to_judge(question: dict[str, Any]) -> tuple[Any, list[Any]]:
    from llamacloud_sandbox.judge import Rule
    from llamacloud_sandbox.reading import Page, Reading

    pages = tuple(Page(number, text) for number, text in question["pages"])
    return Reading("", "", pages), [Rule(*each) for each in question["rules"]]


_DO = {"read": _read, "scan": _scan, "classify": _classify, "split": _split}


def _bounded(answer: dict[str, Any], most: int) -> dict[str, Any]:
    """Text as the judge may get it: of any length and odd spacing, it would take minutes."""
    if "pages" not in answer:
        return answer
    pages = [(number, _EMPTY_LINES.sub("\n\n\n", text[:PAGE_CHARACTERS]).strip()) for number, text in answer["pages"]]
    if sum(len(text) for _, text in pages) > most:
        raise Unreadable(f"The document could not be read: it has more than {most:,} characters of text.")
    return answer | {"pages": pages}


if sys.platform == "win32":  # only a crash is contained there

    def _limit(memory_bytes: int) -> None: ...

    def _start_clocks(wall_seconds: float, processor_seconds: float) -> None: ...

else:

    def _limit(memory_bytes: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is meant for the parent
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would be a copy of somebody's mail
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        if sys.platform == "linux":  # macOS refuses it
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

    def _start_clocks(wall_seconds: float, processor_seconds: float) -> None:
        """Start both anew, or stop them (0). Their signals end the process, whatever code it is in."""
        signal.setitimer(signal.ITIMER_REAL, wall_seconds)
        signal.setitimer(signal.ITIMER_PROF, processor_seconds)
