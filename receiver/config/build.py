"""Builds the configuration from the file: reads, validates, collects every fault."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from receiver.config import faults, model
from receiver.config.conditions import WhenSection
from receiver.config.config import Alerting, Category, Classify, Config, Guards, MailPolicy, Resubmit, Rule, Split
from receiver.config.source import FILES, ConfigText, read_config
from receiver.config.surprises import surprises
from receiver.config.text import (
    ceiling_of,
    pause_seconds,
    quiet_hours,
    rate_of,
    repeat_seconds,
    resolve,
    seconds,
    window_seconds,
)
from receiver.config.vendor_sections import ClassifySection, SplitSection
from receiver.core.alert import Severity
from receiver.core.alert_rule import AlertRule, SeverityRule
from receiver.core.category_names import ambiguous_names
from receiver.core.channel_name import channel_name
from receiver.core.errors import Misconfigured
from receiver.core.mail import MailBounds
from receiver.core.plan import Target
from receiver.core.problem import Problem
from receiver.core.retention import Retention
from receiver.core.route import ANY, Fallback, Route, RouteTable
from receiver.core.when import When

SURE_DESCRIPTION = 500
"""Characters of a description that LlamaCloud certainly accepts. Its documents disagree on 2000 (reference 6)."""
OWN_CATEGORIES = "use another type, or list split.categories"
SURE_CATEGORIES = 50
"""Categories that LlamaCloud certainly accepts. Its documents disagree on 500 (reference 6)."""


def load(path: Path, environ: Mapping[str, str], *, variable: str = "MAILROOM_CONFIG") -> Config:
    """The configuration in this file, which ``variable`` (or an option) names. Raises Misconfigured with all faults."""
    return parse(_text(path, variable), environ, path=path)


def retention_in(path: Path) -> Retention:
    """Only the section ``retention`` of this file. Raises Misconfigured."""
    source = read_config(_text(path), path)
    try:
        found = model.RetentionAlone.model_validate(source.data)
    except ValidationError as error:
        raise _refused(source, faults.lines(error, source, schema())) from None
    return Retention(**found.retention.days)


def _text(path: Path, variable: str = "MAILROOM_CONFIG") -> str:
    try:
        return FILES.read(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise Misconfigured(
            f"there is no {path} ({variable})",
            fix="`mailroom init` writes one, and `mailroom demo` works without one; if it is elsewhere, "
            + (f"set {variable} to its path" if variable.isidentifier() else f"give its path to {variable}"),
        ) from None
    except OSError as error:
        raise Misconfigured(f"{path} ({variable}) cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path} ({variable}) is not UTF-8 text", fix="save it as UTF-8") from error


def parse(text: str, environ: Mapping[str, str], *, path: Path) -> Config:
    """The configuration in this text. Raises Misconfigured with all faults."""
    source, file = _checked(text, environ, path)
    return _config(file, source, environ)


def load_values(path: Path, environ: Mapping[str, str], *, variable: str) -> tuple[ConfigText, model.ConfigFile]:
    """The file as text, and as validated sections with defaults. Raises Misconfigured like ``load``."""
    return _checked(_text(path, variable), environ, path)


def _checked(text: str, environ: Mapping[str, str], path: Path) -> tuple[ConfigText, model.ConfigFile]:
    source = read_config(text, path)
    if source.data is None:
        raise Misconfigured(f"{path} is empty", fix="`mailroom init` in another folder writes an example to start from")
    found = [(source.line(place), f"{place}: {message}") for place, message in source.faults]
    try:
        file = model.ConfigFile.model_validate(source.data, context={"environ": environ})
    except ValidationError as error:
        raise _refused(source, [*found, *faults.lines(error, source, schema())]) from None
    found += [(source.line(place), f"{place}: {message}") for place, message in _disagreements(file)]
    if found:
        raise _refused(source, found)
    return source, file


SCHEMA_ID = "urn:mailroom:config:1"
"""Stays while every file that is valid today stays valid, as the names of the schemas in docs/schemas do."""


def schema() -> dict[str, Any]:
    """The file's JSON Schema, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **model.ConfigFile.model_json_schema(),
    }


def _refused(source: ConfigText, found: Sequence[tuple[int, str]]) -> Misconfigured:
    return Misconfigured("\n".join(f"{source.path}:{line}: {text}" for line, text in sorted(found)))


def _disagreements(file: model.ConfigFile) -> Iterator[tuple[str, str]]:
    """Faults between sections, and between entries of a list."""
    if seconds(file.stuck_after) < seconds(file.deadline):
        key = "stuck_after" if "stuck_after" in file.model_fields_set else "deadline"
        yield key, f"a job is stuck after {file.stuck_after}, before its deadline of {file.deadline}; raise stuck_after"
    rules = file.classify.rules or ()
    yield from _repeated("classify.rules", "type", [rule.type for rule in rules])
    categories = file.split.categories
    if isinstance(categories, tuple):
        names = [item.name for item in categories]
        yield from _repeated("split.categories", "name", names)
        yield from _ambiguous("split.categories", "name", names, "use another name")
    elif "split" in file.model_fields_set and file.split.configuration_id is None:
        if not rules:
            yield "split", "needs its own categories, because classify.configuration_id hides the rules; list them"
        yield from _ambiguous("classify.rules", "type", [rule.type for rule in rules], OWN_CATEGORIES)
    yield from _too_short(file.retention)


def _too_short(section: model.RetentionSection) -> Iterator[tuple[str, str]]:
    """Checks that a document's record is kept for as long as the records that refer to it."""
    days, name = max((getattr(section, name), name) for name in ("tasks_days", "events_days", "content_days"))
    if section.documents_days is not None and section.documents_days < days:
        yield "retention.documents_days", f"must not be below {name} ({days:g}); raise it to {days:g}"
    if section.archive is not None and section.documents_days is None:
        yield "retention.archive", "nothing is removed, so nothing is archived; set retention.documents_days"


def _repeated(place: str, key: str, values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, value in enumerate(values):
        first = values.index(value)
        if first < at:
            yield f"{place}[{at}].{key}", f"{value!r} is already {place}[{first}]; names must differ"


def _ambiguous(place: str, key: str, names: Sequence[str], fix: str) -> Iterator[tuple[str, str]]:
    for at, why in ambiguous_names(names):
        if names.index(names[at]) == at:  # not a plain repetition, which is reported already
            yield f"{place}[{at}].{key}", f"{why}, and LlamaCloud refuses such categories; {fix}"


def _config(file: model.ConfigFile, source: ConfigText, environ: Mapping[str, str]) -> Config:
    return Config(
        path=source.path,
        classify=_classify(file.classify),
        split=_split(file.split),
        table=_table(file, environ),
        mail=_mail(file.mail),
        alerts=tuple(
            rule for place, section in enumerate(file.alerts) for rule in _alerts(f"alerts[{place}]", section, environ)
        ),
        alerting=_alerting(file.alerting),
        retention=Retention(**file.retention.days),
        archive=None if file.retention.archive is None else _target(file.retention.archive, environ),
        deadline_seconds=seconds(file.deadline),
        stuck_seconds=seconds(file.stuck_after),
        stuck_by_pages="stuck_after" not in file.model_fields_set,
        message_wait_seconds=seconds(file.message_wait),
        resubmit=Resubmit(**dict(file.resubmit)),
        warnings=tuple(_warnings(file)),
        lines=source.lines,
    )


def _classify(section: ClassifySection) -> Classify:
    return Classify(
        rules=tuple(Rule(**dict(rule)) for rule in section.rules or ()),
        **dict(section.parsing),
        mode=section.mode,
        configuration_id=section.configuration_id,
        webhook_configuration_ids=section.webhook_configuration_ids,
    )


def _split(section: SplitSection) -> Split:
    listed = section.categories if isinstance(section.categories, tuple) else None
    own = tuple(Category(**dict(item)) for item in listed) if listed is not None else None
    return Split(**{**dict(section), "categories": own, "guards": Guards(**dict(section.guards))})


def _table(file: model.ConfigFile, environ: Mapping[str, str]) -> RouteTable:
    return RouteTable(
        routes=tuple(_route(section, environ) for section in file.routes),
        no_match=_fallback(file.no_match, environ),
        low_confidence=_fallback(file.low_confidence, environ),
        failed=_fallback(file.failed, environ),
        packet=_fallback(file.packet, environ) if file.packet else None,
        mail=_fallback(file.mail, environ) if file.mail.to or file.mail.review else None,
    )


def _mail(section: model.MailSection) -> MailPolicy:
    bounds = MailBounds(max_parts=section.max_parts, max_depth=section.max_depth, max_unpacked=section.max_unpacked)
    return MailPolicy(body=section.body, bounds=bounds)


def _route(section: model.RouteSection, environ: Mapping[str, str]) -> Route:
    return Route(
        name=section.name or "+".join("any" if item == ANY else item for item in section.type),
        types=section.type,
        min_confidence=section.min_confidence,
        when=_when(section.when),
        to=_targets(section.to, environ),
        review=section.review,
        goes_on=section.goes_on,
    )


def _when(section: WhenSection) -> When:
    plain = {name: value for name, value in section if value is not None and name not in {"any_of", "none_of"}}
    return When(
        **plain,
        any_of=tuple(_when(item) for item in section.any_of or ()),
        none_of=tuple(_when(item) for item in section.excluded),
    )


def _fallback(section: model.WaySection | model.MailSection, environ: Mapping[str, str]) -> Fallback:
    return Fallback(to=_targets(section.to, environ), review=section.review)


def _targets(given: model.Targets | None, environ: Mapping[str, str]) -> tuple[Target, ...]:
    listed = (given,) if isinstance(given, str) else given or ()
    return tuple(_target(item, environ) for item in listed)


def _target(given: str | model.TargetSection, environ: Mapping[str, str]) -> Target:
    if isinstance(given, str):
        return Target(url=resolve(given, environ))
    options = {name: _plain(value) for name, value in given.__pydantic_extra__.items()}
    return Target(url=resolve(given.to, environ), options=options)


def _plain(value: str | float | bool) -> str:
    """An option as text. ``env:NAME`` is not resolved: it may be a secret, and options are stored with the plan."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _alerts(where: str, section: model.AlertSection, environ: Mapping[str, str]) -> Iterator[AlertRule]:
    """The rule of this row, and its escalation rule."""
    options = {f"header {name}": resolve(str(value), environ) for name, value in section.headers.items()}
    if section.secret is not None:
        options["secret"] = resolve(str(section.secret), environ)
    rule = AlertRule(
        kinds=section.kind,
        to=channel_name(section.to),
        where=f"{where}.to",
        channel=resolve(section.to, environ),
        options=options,
        window_seconds=window_seconds(section.at_most),
        repeat_seconds=repeat_seconds(section.repeat),
        ceiling=ceiling_of(section.ceiling),
        min_severity=Severity(section.min_severity),
        quiet_hours=quiet_hours(section.quiet_hours) if section.quiet_hours else None,
    )
    yield rule
    if section.escalate is not None:
        to = channel_name(section.escalate.to)
        after = seconds(section.escalate.after)
        channel = resolve(section.escalate.to, environ)
        where = f"{where}.escalate.to"
        yield replace(rule, to=to, where=where, channel=channel, options={}, after_seconds=after)


def _alerting(section: model.AlertingSection) -> Alerting:
    return Alerting(
        wait_seconds=pause_seconds(section.wait),
        quiet_seconds=seconds(section.quiet_after),
        severities=tuple(_severity(item) for item in section.severities),
    )


def _severity(section: model.SeveritySection) -> SeverityRule:
    severity = Severity(section.severity)
    if section.when is None:
        return SeverityRule(kinds=section.kind, severity=severity)
    rate = rate_of(section.when)
    return SeverityRule(
        kinds=section.kind, severity=severity, more_than=rate.more_than, percent=rate.percent, seconds=rate.seconds
    )


def _warnings(file: model.ConfigFile) -> Iterator[Problem]:
    yield from (_warning(*item) for item in surprises(file))
    for place, rule in enumerate(file.classify.rules or ()):
        if len(rule.description) > SURE_DESCRIPTION:
            message = (
                f"{len(rule.description)} characters: LlamaCloud's documents disagree on whether it allows over 500"
            )
            yield _warning(f"classify.rules[{place}].description", message, "shorten it")
    categories = file.split.categories
    if isinstance(categories, tuple) and len(categories) > SURE_CATEGORIES:
        yield _warning(
            "split.categories", f"LlamaCloud may accept no more than {SURE_CATEGORIES}", "merge some of them"
        )
    if categories == "from-rules" and "split" not in file.model_fields_set:
        for place, why in ambiguous_names([rule.type for rule in file.classify.rules or ()]):
            yield _warning(f"classify.rules[{place}].type", f"no packet can be split: {why}", OWN_CATEGORIES)
    if file.split.configuration_id:
        message = "only LlamaCloud knows a preset's categories: Mailroom cannot check routes against them"
        yield _warning("split.configuration_id", message, "list split.categories here to have them checked")
    if file.classify.configuration_id:
        message = "only LlamaCloud knows a preset's types: Mailroom cannot check routes against them, or cut packets"
        yield _warning("classify.configuration_id", message, "write the rules here to have them checked")


def _warning(where: str, message: str, fix: str) -> Problem:
    return Problem(severity="warning", where=where, message=message, fix=fix)
