"""The configuration as plain, checked, frozen data; and LlamaCloud's configuration objects made from it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from receiver.core.alert_rule import AlertRule, SeverityRule
from receiver.core.category_names import ambiguous_names
from receiver.core.check import check_table, ways
from receiver.core.errors import Misconfigured
from receiver.core.loops import feeds
from receiver.core.mail import MailBounds
from receiver.core.pages import UNCATEGORIZED
from receiver.core.pages import Guards as Guards
from receiver.core.pattern import matches
from receiver.core.places import Names
from receiver.core.plan import Taken, Target
from receiver.core.problem import Problem
from receiver.core.retention import Retention
from receiver.core.route import RouteTable

PARSE_SECONDS, PARSE_PAGE_SECONDS = 1800.0, 300.0
"""Seconds that a parse may take: a base, and more for each page (LlamaCloud's page on limitations)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One classification rule, as it is sent to LlamaCloud."""

    type: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Classify:
    """The configuration of classify jobs: our own rules, or the id of a preset saved at LlamaCloud."""

    rules: tuple[Rule, ...] = ()
    lang: str | None = None
    max_pages: int | None = None
    target_pages: str | None = None
    mode: str = "FAST"
    configuration_id: str | None = None
    webhook_configuration_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of document that a split job may find in a packet."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How a packet is cut, and what happens to its pieces. ``categories`` None means those of ``classify.rules``."""

    categories: tuple[Category, ...] | None = None
    uncategorized: Literal["include", "forbid", "omit"] = "include"
    then: Literal["classify", "route"] = "classify"
    custom_instructions: str | None = None
    min_pages_per_split: int | None = None
    configuration_id: str | None = None
    """The id of a preset, which replaces all keys that say how to split."""
    parse_tier: str | None = None
    parse_config_id: str | None = None
    target_pages: str | None = None
    """Only for packets that are submitted as a parse job: LlamaCloud accepts it for nothing else (reference 1.4)."""
    version: str | None = None
    webhook_configuration_ids: tuple[str, ...] = ()
    path: Literal["current", "beta", "auto"] = "auto"
    min_confidence: Literal["high", "medium", "low"] = "medium"
    """A piece whose category is less certain is held in review; ``low`` holds none."""
    guards: Guards = field(default_factory=Guards)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPolicy:
    """How mails are handled."""

    body: Literal["document", "record"] = "document"
    """The text of a mail with attachments: a document, or (a short text) part of the mail's record and of manifests."""
    bounds: MailBounds = field(default_factory=MailBounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmit:
    """What is resubmitted after a failed, stuck or lost job. Each submission costs its credits."""

    times: int = 1
    when: tuple[str, ...] = ()
    """Patterns (core/pattern.py) for LlamaCloud's message."""

    def helps(self, message: str) -> bool:
        """Whether resubmitting may help after a failure with this message."""
        return matches(self.when, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Settings for all alerts and channels."""

    wait_seconds: float = 10
    """Seconds that the first notice of an incident waits, to include occurrences that follow at once."""
    quiet_seconds: float = 3600
    """Seconds without another occurrence after which an incident without a visible end is quiet."""
    severities: tuple[SeverityRule, ...] = ()
    """The last match wins; kinds without a rule have their default severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of ``mailroom.yaml``."""

    path: Path
    classify: Classify
    split: Split = field(default_factory=Split)
    table: RouteTable
    mail: MailPolicy = field(default_factory=MailPolicy)
    alerts: tuple[AlertRule, ...] = ()
    alerting: Alerting = field(default_factory=Alerting)
    retention: Retention = field(default_factory=Retention)
    archive: Target | None = None
    """Where records are archived before they are removed."""
    deadline_seconds: float = 600
    """Seconds that a job may take before the sweep asks about it."""
    stuck_seconds: float = 3600
    """Seconds that a job may stay unfinished before it is cancelled."""
    stuck_by_pages: bool = True
    """Whether a job with many pages may take longer: as long as its parse can take at LlamaCloud."""
    message_wait_seconds: float = 900
    """Seconds that messages wait for the document to be stored, before they are sent without a pointer."""
    resubmit: Resubmit = field(default_factory=Resubmit)
    warnings: tuple[Problem, ...] = ()
    """Warnings about values that are valid, but probably a mistake."""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Place in the file (``routes[2].to``) -> its line, from 1."""

    def stuck_after(self, pages: int | None) -> float:
        """Seconds for which a job that reads so many pages may stay unfinished."""
        if not self.stuck_by_pages or pages is None:
            return self.stuck_seconds
        return max(self.stuck_seconds, PARSE_SECONDS + PARSE_PAGE_SECONDS * pages)

    @property
    def targets(self) -> tuple[Target, ...]:
        """All destinations: those of the table, and the archive."""
        return (*self.table.targets(), *([self.archive] if self.archive else []))

    @property
    def types(self) -> tuple[str, ...] | None:
        """The types that the classifier can return; None if the rules are a preset, which only LlamaCloud knows."""
        return None if self.classify.configuration_id else tuple(rule.type for rule in self.classify.rules)

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories of a split job. Empty if a preset has them, or has the rules that they would come from."""
        if self.split.configuration_id is not None:
            return ()
        if self.split.categories is not None:
            return self.split.categories
        return tuple(Category(name=rule.type, description=rule.description) for rule in self.classify.rules)

    def classify_configuration(self) -> dict[str, Any]:
        """A classify job's ``configuration``, or ``{"configuration_id": …}`` for a preset instead.

        Source: reference 1.2; a create request has one of the two.
        """
        if self.classify.configuration_id:
            return {"configuration_id": self.classify.configuration_id}
        parsing = {name: getattr(self.classify, name) for name in ("lang", "max_pages", "target_pages")}
        return {
            "rules": [{"type": rule.type, "description": rule.description} for rule in self.classify.rules],
            "mode": self.classify.mode,
            "parsing_configuration": _given(parsing),
        }

    def split_configuration(self) -> dict[str, Any]:
        """A split job's ``configuration``, or ``{"configuration_id": …}`` for a preset instead.

        ``allow_uncategorized`` is always sent, because LlamaCloud's documents disagree on its default.

        Source: reference 1.4 and 6. Raises Misconfigured if there are no categories, or ambiguous ones.
        """
        if self.split.configuration_id is not None:
            return {"configuration_id": self.split.configuration_id}
        if not self.categories:
            raise Misconfigured(
                f"{self.path}: packets cannot be split: classify.configuration_id hides the rules, so split.categories "
                "must be a list of {name, description}"
            )
        if found := next(ambiguous_names([item.name for item in self.categories]), None):
            raise Misconfigured(
                f"{self.path}: packets cannot be split: {found[1]}; LlamaCloud refuses such categories",
                fix="use another type, or list split.categories",
            )
        strategy = {
            "allow_uncategorized": self.split.uncategorized,
            "custom_instructions": self.split.custom_instructions,
            "min_pages_per_split": self.split.min_pages_per_split,
        }
        more = ("parse_tier", "parse_config_id", "target_pages", "version")
        return {
            "categories": [_given({"name": item.name, "description": item.description}) for item in self.categories],
            "splitting_strategy": _given(strategy),
            **_given({name: getattr(self.split, name) for name in more}),
        }

    def check(
        self,
        *,
        schemes: Collection[str],
        faults: Callable[[Target], list[str]],
        channels: Collection[str] | None = None,
        adopted: bool = False,
        sources: Collection[str] = (),
        names: Names = lambda _, url: Taken(place=url),
    ) -> list[Problem]:
        """The problems of the table as a whole, found without requests (core/check.py explains the arguments).

        ``sources`` are places that documents are ingested from (core/loops.py): no destination may be inside one.
        """
        found = check_table(
            self.table,
            types=self.types,
            categories=tuple(item.name for item in self.categories) if self.split.then == "route" else (),
            schemes=schemes,
            faults=faults,
            alerts=self.alerts,
            channels=channels,
            adopted=adopted,
            names=names,
            pieces=self._pieces(),
        )
        return [*self.warnings, *found, *self.loops(sources, names)]

    def _pieces(self) -> tuple[str, ...] | None:
        """The possible categories of a piece; None if only LlamaCloud knows them."""
        named = tuple(item.name for item in self.categories)
        return (*named, UNCATEGORIZED) if named else None

    def loops(self, sources: Collection[str], names: Names = lambda _, url: Taken(place=url)) -> list[Problem]:
        """The destinations whose deliveries would be ingested again. One at another endpoint is none of them."""
        return [
            Problem(
                severity="error",
                where=f"{where}.to[{place}]",
                message=f"{target.url} is inside {source}: Mailroom would submit its own deliveries again",
                fix="choose another destination",
                route=name,
            )
            for where, name, targets in ways(self.table)
            for place, target in enumerate(targets)
            if (source := feeds(sources, target.url)) and not names(target, target.url).endpoint
        ]

    def line(self, problem: Problem) -> str:
        """The problem as one line: file and line, place, fault and fix."""
        return f"{self.path}:{self.line_of(problem)}: {problem}"

    def line_of(self, problem: Problem) -> int:
        """The line of the problem's place, or of the nearest section around it."""
        return self._line(problem.where)

    def where(self, place: str) -> str:
        """File and line of a place (``classify.rules[1].description``); "" if it is not in the file."""
        return f"{self.path}:{self._line(place)}" if place.partition(".")[0] in type(self).__slots__ else ""

    def _line(self, where: str) -> int:
        while where not in self.lines and where:
            where = where.rpartition(".")[0]
        return self.lines.get(where, 1)

    def refuse(self, problems: Collection[Problem]) -> None:
        """Raises Misconfigured with every error among the problems; warnings pass."""
        if errors := [self.line(problem) for problem in problems if problem.severity == "error"]:
            raise Misconfigured("\n".join(errors), fix="mailroom routes check")


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
