"""The text of notices, which is the same for every channel."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from receiver.core.incident import Example
from receiver.core.notice import DigestLine, Notice, NoticeStatus
from receiver.core.quantity import times

TITLE_KEPT = 300
DETAIL_KEPT = 2000
"""Characters of the vendor's message: enough to act on, short enough for a pager."""
COMMANDS_KEPT = 6
COMMAND_KEPT = 500
OTHERS_KEPT = 20
SCHEMA = 1
"""The version of the JSON that ``facts`` returns; docs/alert.schema.json describes it."""

LABELS = {
    NoticeStatus.FIRING: "Firing",
    NoticeStatus.ACKNOWLEDGED: "Acknowledged",
    NoticeStatus.RESOLVED: "Resolved",
    NoticeStatus.QUIET: "Quiet",
    NoticeStatus.DIGEST: "Other causes",
    NoticeStatus.TEST: "Test",
}


def label(notice: Notice) -> str:
    """The state in a word or two: ``Firing``, ``Still firing``, ``Resolved``."""
    if notice.over:
        return LABELS[NoticeStatus.RESOLVED]
    return "Still firing" if notice.reminder else LABELS[notice.status]


def headline(notice: Notice) -> str:
    """The notice in one line: its state, severity and title."""
    if notice.status is NoticeStatus.DIGEST and not notice.over:
        return notice.title
    severity = f" {notice.severity}" if notice.status in (NoticeStatus.FIRING, NoticeStatus.ACKNOWLEDGED) else ""
    return f"{label(notice)}{severity}: {notice.title}"


def subject(notice: Notice, *, limit: int = 200) -> str:
    """The subject of a mail: which Mailroom sends it, and the headline, in at most ``limit`` characters."""
    place = f" {notice.site}" if notice.site else ""
    line = f"[Mailroom{place}] {headline(notice)}"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def ascii_subject(notice: Notice, *, limit: int = 100) -> str:
    """The same in printable ASCII, for SNS."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in subject(notice, limit=10 * limit))
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def notice_fields(notice: Notice) -> list[tuple[str, str]]:
    """The notice's fields as label and text, the most important first; empty ones are left out."""
    if notice.status is NoticeStatus.DIGEST:
        lines = [f"{item.severity}: {item.title} ({item.count} times, {item.key})" for item in notice.others]
        return [("Worst", "\n".join(lines))] if lines else []
    given = [
        ("Status", f"{label(notice).lower()}, {notice.severity}" + _by(notice)),
        ("Count", _counted(notice)),
        ("When", _span(notice)),
        ("Example", _example(notice)),
        ("Message", notice.detail),
        ("Tried", notice.tried),
        ("Fix", notice.fix),
        ("Kind", f"{notice.kind}, {notice.key}" + (f" (no. {notice.number})" if notice.number > 1 else "")),
    ]
    return [(name, text) for name, text in given if text]


def body(notice: Notice) -> str:
    """The whole notice as plain text, with commands that can be pasted."""
    width = max((len(name) for name, _ in notice_fields(notice)), default=0) + 2
    lines = [headline(notice), ""]
    for name, text in notice_fields(notice):
        first, *rest = text.split("\n")
        lines.append(f"{name + ':':<{width}}{first}".rstrip())
        lines += [f"{'':<{width}}{line}".rstrip() for line in rest]
    if notice.commands:
        lines += ["", *(f"    {command}" for command in notice.commands)]
    links = [("Page", notice.link), ("Document", notice.document_link)]
    if any(link for _, link in links):
        lines += ["", *(f"{name}: {link}" for name, link in links if link)]
    return "\n".join(lines)


def notice_line(notice: Notice) -> str:
    """The same in one line, for a log."""
    others = ", ".join(f"{item.title} ({item.count} times)" for item in notice.others)
    parts = [headline(notice), _counted(notice), notice.detail, _example(notice), others]
    fix = "; ".join(filter(None, [notice.fix, *notice.commands]))
    text = "; ".join(filter(None, [*parts, f"fix: {fix}" if fix else "", f"{notice.kind} {notice.key}"]))
    return " ".join(text.split())


def facts(notice: Notice) -> dict[str, Any]:
    """The notice as data, for channels that take JSON (docs/alert.schema.json)."""
    return {
        "schema": SCHEMA,
        "status": str(notice.status),
        "key": notice.key,
        "number": notice.number,
        "severity": str(notice.severity),
        "kind": notice.kind,
        "cause": notice.cause,
        "title": notice.title,
        "detail": notice.detail,
        "tried": notice.tried,
        "fix": notice.fix,
        "commands": list(notice.commands),
        "count": notice.count,
        "unmended": notice.unmended,
        "reminder": notice.reminder,
        "acknowledged_by": notice.acknowledged_by or None,
        "opened_at": iso_seconds(notice.opened_at),
        "last_at": iso_seconds(notice.last_at),
        "closed_at": iso_seconds(notice.closed_at),
        "at": iso_seconds(notice.at),
        "subject": notice.subject or None,
        "job_id": notice.job_id or None,
        "examples": [_fact(item) for item in notice.examples],
        "others": [_other(item) for item in notice.others],
        "link": notice.link or None,
        "document_link": notice.document_link or None,
        "site": notice.site or None,
    }


def _fact(item: Example) -> dict[str, Any]:
    return {
        "at": iso_seconds(item.at),
        "document_id": item.document_id or None,
        "name": item.name or None,
        "job_id": item.job_id or None,
        "detail": item.detail,
    }


def _other(item: DigestLine) -> dict[str, Any]:
    return {
        "key": item.key,
        "severity": str(item.severity),
        "title": item.title,
        "count": item.count,
        "link": item.link or None,
    }


def iso_seconds(at: float | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def fit(notice: Notice) -> Notice:
    """The notice with texts that every channel can carry: without control characters and lone surrogates, and of
    limited length.

    The texts come from outside (a file name, the vendor's message), and a notice that cannot be sent reaches nobody.
    """
    return replace(
        notice,
        kind=_one_line(notice.kind),
        key=_one_line(notice.key),
        cause=_one_line(notice.cause),
        title=_one_line(notice.title),
        detail=_cut("".join(c if c.isprintable() or c in "\n\t" else " " for c in notice.detail), DETAIL_KEPT),
        tried=_one_line(notice.tried),
        fix=_one_line(notice.fix),
        commands=tuple(_one_line(item, COMMAND_KEPT) for item in notice.commands[:COMMANDS_KEPT]),
        examples=tuple(_fit_example(item) for item in notice.examples),
        others=tuple(replace(item, title=_one_line(item.title, 120)) for item in notice.others[:OTHERS_KEPT]),
        acknowledged_by=_one_line(notice.acknowledged_by, 100),
    )


def _fit_example(item: Example) -> Example:
    return replace(
        item,
        document_id=_one_line(item.document_id),
        name=_one_line(item.name),
        job_id=_one_line(item.job_id),
        detail=_one_line(item.detail),
    )


def _one_line(words: str, limit: int = TITLE_KEPT) -> str:
    return _cut(" ".join("".join(c if c.isprintable() else " " for c in words).split()), limit)


def _cut(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[:limit] + "…"


def _by(notice: Notice) -> str:
    return (
        f", by {notice.acknowledged_by}"
        if notice.acknowledged_by and notice.status is NoticeStatus.ACKNOWLEDGED
        else ""
    )


def _counted(notice: Notice) -> str:
    if notice.status in (NoticeStatus.TEST, NoticeStatus.DIGEST):
        return ""
    if notice.over or not notice.unmended:
        return times(notice.count)
    return f"{times(notice.count)}; {notice.unmended} not fixed yet"


def _span(notice: Notice) -> str:
    begun = f"since {_clock(notice.opened_at)}"
    if notice.status is NoticeStatus.RESOLVED and notice.closed_at is not None:
        return f"{_clock(notice.opened_at)} to {_clock(notice.closed_at)} UTC"
    if notice.status is NoticeStatus.QUIET or notice.at - notice.last_at > 3600:
        return f"{begun}; quiet since {_clock(notice.last_at)} UTC"
    return f"{begun} UTC"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _example(notice: Notice) -> str:
    if not notice.examples:
        return ""
    item = notice.examples[0]
    job = f"job {item.job_id}" if item.job_id else ""
    return ", ".join(filter(None, [item.name, item.document_id, job]))
