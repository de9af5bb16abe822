"""Reads files page by page, in a child process."""

import os
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llamacloud_sandbox.children import Children
from llamacloud_sandbox.reading import Page, Reading

_CORES = os.cpu_count() or 1


class Reader:
    """Called from several threads at once."""

    def __init__(self, children: Children, *, ocr: bool = False) -> None:
        self._children, self._ocr = children, ocr
        self._one_scan_per_core = threading.BoundedSemaphore(_CORES)

    def read(
        self,
        path: Path,
        name: str,
        sha256: str,
        *,
        pages: Collection[int] | None = None,
        max_pages: int | None = None,
    ) -> Reading:
        """The text of the file at `path`; of its first `max_pages` or of the numbered `pages` only, when given.

        A page that is a picture has text only with `ocr`. Raises `Unreadable` when nothing can be read, with a text fit
        for a job's `error_message`, and FileNotFoundError.
        """
        wanted = None if pages is None else list(pages)
        answer = self._children.ask("read", path=str(path.absolute()), pages=wanted, max_pages=max_pages)
        found: list[tuple[int, str]] = [(number, text) for number, text in answer["pages"]]
        if self._ocr and answer["kind"] == "pdf":
            found = self._recognised(path, found)
        elif self._ocr and answer["kind"] == "picture":
            every = dict(self._scanned(path, None))
            found = [(number, every[number]) for number in (every if wanted is None else wanted) if number in every]
        return Reading(name, sha256, tuple(Page(*page) for page in found[:max_pages]))

    def _recognised(self, path: Path, pages: list[tuple[int, str]]) -> list[tuple[int, str]]:
        scans = [number for number, text in pages if not any(letter.isalnum() for letter in text)]
        with ThreadPoolExecutor(_CORES) as pool:
            recognised = pool.map(lambda number: self._scanned(path, number)[0][1], scans)
            seen = dict(zip(scans, recognised, strict=True))
        return [(number, seen.get(number, text)) for number, text in pages]

    def _scanned(self, path: Path, number: int | None) -> list[tuple[int, str]]:
        with self._one_scan_per_core:
            answer = self._children.ask("scan", path=str(path.absolute()), page=number)
        return [(number, text) for number, text in answer["pages"]]
