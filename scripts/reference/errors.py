"""docs/errors.md, from receiver/core/errors.py."""

import inspect

from receiver.core import errors
from receiver.core.errors import CloudRefused, MailroomError, Permanent, Rejected, Transient

HEAD = """\
# Errors

<!-- made by scripts/make-docs from receiver/core/errors.py -->

Grouped by what happens next. The code appears in the body of an HTTP error, `{"error": {"code", "message"}}`, in a
task's `cause`, and in the cause that groups alerts into an incident. The owner is who can fix it.
"""
COLUMNS = "| code | HTTP | meaning | owner | fix |\n| --- | --- | --- | --- | --- |\n"
GROUPS: dict[str, tuple[type[MailroomError], str]] = {
    "Refused requests": (Rejected, "Mailroom responds with 4xx at once and stores nothing."),
    "Retried": (Transient, "With increasing delays and jitter, for about 16 hours; then the task is parked."),
    "Paused": (
        CloudRefused,
        "No document is the cause. Work that needs LlamaCloud waits and resumes by itself, and one alert is raised "
        "([llamacloud.md](llamacloud.md)).",
    ),
    "Parked": (Permanent, "Not retried: the task waits for a person, and an alert is raised."),
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    parts += [_section(title, about, _kinds(base)) for title, (base, about) in GROUPS.items()]
    grouped = Rejected | Transient | CloudRefused | Permanent
    rest = [error for error in _kinds(MailroomError) if not issubclass(error, grouped)]
    return "".join([*parts, _section("Others", "Errors outside these groups.", rest)])


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
