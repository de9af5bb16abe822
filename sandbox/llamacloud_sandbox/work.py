"""The work inside a job: read the file, judge it, say the result in the API's words. Touches no state."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llamacloud_sandbox.pages import selected
from llamacloud_sandbox.reader import Reader
from llamacloud_sandbox.reading import Reading
from llamacloud_sandbox.recent import Recent
from llamacloud_sandbox.records import File, Job
from llamacloud_sandbox.segment import Strategy
from llamacloud_sandbox.verdict import Judge, Rule


@dataclass(frozen=True)
class Done:
    """A job's result, and how many pages were read for it."""

    result: dict[str, Any]
    pages: int


class Work:
    """Reads and judges. Raises `Unreadable` (its text is the job's `error_message`) or OSError (the bytes are gone)."""

    def __init__(self, judge: Judge, reader: Reader) -> None:
        self._judge, self._reader = judge, reader
        self._readings: Recent[Reading] = Recent(32)
        self._done: Recent[Done] = Recent(512)

    def do(self, job: Job, file: File, path: Path) -> Done:
        """The result of the job on this file; the same question about the same file is answered from memory."""
        work = self._classify if job.product == "classify" else self._split
        return self._done.get(_question(job, file), lambda: work(job, file, path))

    def remembered(self, job: Job, file: File) -> Done | None:
        """The result, if it is known without any work."""
        return self._done.known(_question(job, file))

    def _classify(self, job: Job, file: File, path: Path) -> Done:
        parsing = job.configuration.get("parsing_configuration") or {}
        reading = self._read(file, path, _pages(parsing), parsing.get("max_pages"))
        rules = [Rule(rule["type"], rule["description"]) for rule in job.configuration["rules"]]
        verdict = self._judge.classify(reading, rules)
        result = {"type": verdict.type, "confidence": verdict.confidence, "reasoning": verdict.reasoning}
        return Done(result, len(reading.pages))

    def _split(self, job: Job, file: File, path: Path) -> Done:
        reading = self._read(file, path, _pages(job.configuration), None)
        categories = [Rule(each["name"], each.get("description") or "") for each in job.configuration["categories"]]
        segments = self._judge.split(reading, categories, _strategy(job.configuration.get("splitting_strategy") or {}))
        shown = [
            {"category": each.category, "pages": list(each.pages), "confidence_category": each.confidence}
            for each in segments
        ]
        return Done({"segments": shown}, len(reading.pages))

    def _read(self, file: File, path: Path, pages: Collection[int] | None, max_pages: int | None) -> Reading:
        def fresh() -> Reading:
            return self._reader.read(path, file.name, file.sha256, pages=pages, max_pages=max_pages)

        key = (file.sha256, None if pages is None else tuple(pages), max_pages)
        return replace(self._readings.get(key, fresh), name=file.name)


def _question(job: Job, file: File) -> tuple[str, str, str, str]:
    return job.product, file.sha256, file.name, json.dumps(job.configuration)


def _pages(configuration: Mapping[str, Any]) -> tuple[int, ...] | None:
    text = configuration.get("target_pages")
    return None if text is None else selected(text)


def _strategy(given: Mapping[str, Any]) -> Strategy:
    return Strategy(
        uncategorized=given.get("allow_uncategorized") or "include",
        min_pages=given.get("min_pages_per_split") or 1,
        instructions=given.get("custom_instructions") or "",
    )
