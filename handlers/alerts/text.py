"""What an alert says, in one place: every channel shows the same words."""

from dataclasses import replace
from datetime import UTC, datetime

from receiver.core.alert import Alert

TITLE_KEPT = 300
DETAIL_KEPT = 2000
"""Characters of the vendor's message: enough to act on, short enough for a pager."""


def subject(alert: Alert, *, limit: int = 100) -> str:
    """The alert in one line of printable ASCII, at most ``limit`` characters: an SNS or e-mail subject."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in f"[Mailroom] {_fit(alert).title}")
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def body(alert: Alert, *, count: int, suppressed: int) -> str:
    """Title, first example, the message, how many since the last notice, when, and how to mend it."""
    said = _fit(alert)
    lines = [
        f"Example: {said.subject}" if said.subject else "",
        f"Message: {said.detail}" if said.detail else "",
        f"Count:   {_counted(count, suppressed)}",
        f"Kind:    {said.kind} ({said.cause})",
        f"At:      {datetime.fromtimestamp(said.at, UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"Fix:     {said.fix}" if said.fix else "",
    ]
    return "\n".join([said.title, "", *filter(None, lines)])


def line(alert: Alert, *, count: int, suppressed: int) -> str:
    """The same in one line, for a log."""
    said = _fit(alert)
    text = f"{said.kind}: {said.title}; {said.detail} [{said.subject}] ({_counted(count, suppressed)})"
    return " ".join((f"{text}; fix: {said.fix}" if said.fix else text).split())


def facts(alert: Alert, *, count: int, suppressed: int) -> dict[str, str | int]:
    """The alert as data, for channels that take JSON."""
    said = _fit(alert)
    return {
        "kind": said.kind,
        "cause": said.cause,
        "title": said.title,
        "detail": said.detail,
        "subject": said.subject,
        "fix": said.fix,
        "at": datetime.fromtimestamp(said.at, UTC).isoformat(),
        "count": count,
        "suppressed": suppressed,
    }


def _fit(alert: Alert) -> Alert:
    """The alert in words that every channel can carry: no control characters, no halves of characters, not endless.

    Its words come from outside (a file name, the vendor's message), and an alert that cannot be sent is silence.
    """
    return replace(
        alert,
        kind=_one_line(alert.kind),
        cause=_one_line(alert.cause),
        title=_one_line(alert.title),
        detail=_cut("".join(c if c.isprintable() or c in "\n\t" else " " for c in alert.detail), DETAIL_KEPT),
        subject=_one_line(alert.subject),
        fix=_one_line(alert.fix),
    )


def _one_line(words: str) -> str:
    return _cut(" ".join("".join(c if c.isprintable() else " " for c in words).split()), TITLE_KEPT)


def _cut(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[:limit] + "…"


def _counted(count: int, suppressed: int) -> str:
    held = f", {suppressed} of them since the last notice" if suppressed else ""
    return f"{count} so far{held}"
