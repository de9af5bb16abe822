"""docs/errors.md, from receiver/core/errors.py."""

import inspect

from receiver.core import errors
from receiver.core.errors import CloudRefused, MailroomError, Permanent, Rejected, Transient

HEAD = """\
# Errors

<!-- made by scripts/make-docs from receiver/core/errors.py -->

Sorted by what happens next. The code stands in `{"error": {"code", "message"}}` of an HTTP answer, in a task's `cause`,
and in what alerts are grouped by. The owner is the one who can mend it.
"""
COLUMNS = "| code | HTTP | meaning | owner | fix |\n| --- | --- | --- | --- | --- |\n"
GROUPS: dict[str, tuple[type[MailroomError], str]] = {
    "Refused requests": (Rejected, "Answered 4xx at once; nothing is kept."),
    "Tried again": (Transient, "With growing pauses and jitter, for about 16 hours; then the task is parked."),
    "Paused": (
        CloudRefused,
        "No document's fault: what needs LlamaCloud waits, one alert is raised, and it goes on by itself "
        "([llamacloud.md](llamacloud.md)).",
    ),
    "Parked": (Permanent, "Not tried again: the task waits for a person, and an alert was raised."),
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    parts += [_section(title, about, _kinds(base)) for title, (base, about) in GROUPS.items()]
    grouped = Rejected | Transient | CloudRefused | Permanent
    rest = [error for error in _kinds(MailroomError) if not issubclass(error, grouped)]
    return "".join([*parts, _section("Others", "What has a place of its own.", rest)])


def _section(title: str, about: str, kinds: list[type[MailroomError]]) -> str:
    rows = "".join(_row(error) for error in kinds)
    return f"\n## {title}\n\n{about}\n\n{COLUMNS}{rows}"


def _kinds(base: type[MailroomError]) -> list[type[MailroomError]]:
    found = [item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, base)]
    return sorted(found, key=lambda item: inspect.getsourcelines(item)[1])


def _row(error: type[MailroomError]) -> str:
    meaning = (error.__doc__ or "").split("\n", 1)[0]
    status = getattr(error, "status", "")
    return f"| `{error.code}` | {status} | {meaning} | {error.owner} | {error.fix} |\n"
