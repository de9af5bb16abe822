"""What an alert says, in one place: every channel shows the same words."""

from datetime import UTC, datetime

from receiver.core.alert import Alert

DETAIL_KEPT = 2000
"""Characters of the vendor's message: enough to act on, short enough for a pager."""


def subject(alert: Alert, *, limit: int = 100) -> str:
    """The alert in one line of printable ASCII, at most ``limit`` characters: an SNS or e-mail subject."""
    line = " ".join(f"[Mailroom] {alert.title}".split())
    plain = "".join(c if " " <= c <= "~" else "?" for c in line)
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def body(alert: Alert, *, count: int, suppressed: int) -> str:
    """Title, first example, the message, how many since the last notice, when, and how to mend it."""
    detail = alert.detail if len(alert.detail) <= DETAIL_KEPT else alert.detail[:DETAIL_KEPT] + "…"
    lines = [
        alert.title,
        "",
        f"Example: {alert.subject}" if alert.subject else "",
        f"Message: {detail}" if detail else "",
        f"Count:   {_counted(count, suppressed)}",
        f"Kind:    {alert.kind} ({alert.cause})",
        f"At:      {datetime.fromtimestamp(alert.at, UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"Fix:     {alert.fix}" if alert.fix else "",
    ]
    return "\n".join(line for place, line in enumerate(lines) if line or place == 1)


def line(alert: Alert, *, count: int, suppressed: int) -> str:
    """The same in one line, for a log."""
    detail = alert.detail[:DETAIL_KEPT]
    said = f"{alert.kind}: {alert.title}; {detail} [{alert.subject}] ({_counted(count, suppressed)})"
    return " ".join((f"{said}; fix: {alert.fix}" if alert.fix else said).split())


def facts(alert: Alert, *, count: int, suppressed: int) -> dict[str, str | int | float]:
    """The alert as data, for channels that take JSON."""
    return {
        "kind": alert.kind,
        "cause": alert.cause,
        "title": alert.title,
        "detail": alert.detail,
        "subject": alert.subject,
        "fix": alert.fix,
        "at": datetime.fromtimestamp(alert.at, UTC).isoformat(),
        "count": count,
        "suppressed": suppressed,
    }


def _counted(count: int, suppressed: int) -> str:
    held = f", {suppressed} of them since the last notice" if suppressed else ""
    return f"{count} so far{held}"
