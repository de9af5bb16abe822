"""mailroom alerts: list, explain, acknowledge and silence incidents; test channels."""

import time
from datetime import datetime

import click

from receiver import show
from receiver.alerting.send_test import send_test
from receiver.bootstrap import App
from receiver.cli.listing import SPAN, moment_text, shown_of, when
from receiver.cli.numbers import WholeNumber
from receiver.cli.operating import mend, operate
from receiver.cli.operations import Shown
from receiver.cli.output import one_line, print_json, say, table
from receiver.cli.person_text import NAME, REASON
from receiver.cli.running import with_app
from receiver.cli.user import user_name
from receiver.core.alert import Severity
from receiver.core.channel import Channel
from receiver.core.channel_name import channel_name
from receiver.core.errors import MailroomError
from receiver.core.incident import Status
from receiver.core.quantity import times

WHO = click.option(
    "--who", type=NAME, default=user_name, show_default="you", help="Who does this; recorded with the incident."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    short_help="List, explain, acknowledge and silence incidents; test alert channels.", invoke_without_command=True
)
@click.pass_context
def alerts(context: click.Context) -> None:
    """List, explain, acknowledge and silence incidents; test alert channels.

    Without a subcommand, it lists active incidents.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_incidents)


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Include closed incidents, newest first.")
@click.option("--limit", type=WholeNumber(), help="Maximum number to list; all by default.")
@JSON
def list_incidents(everything: bool, limit: int | None, as_json: bool) -> None:
    """List active incidents, most severe first."""
    wanted = None if limit is None else limit + 1
    found = operate(lambda it: it.incidents(everything=everything, limit=wanted))
    incidents = found if limit is None else shown_of(found, limit)
    if not everything:
        incidents.sort(key=lambda item: (-Severity(item["severity"]).rank, item["opened_at"]))
    if as_json:
        print_json({"incidents": incidents})
        return
    rows = [
        (item["key"], item["severity"], item["kind"], item["title"], _times(item), moment_text(item["opened_at"]),
         _state(item))
        for item in incidents
    ]  # fmt: skip
    if not rows:
        say("no active incidents" if not everything else "no incidents yet")
        return
    table(("incident", "severity", "kind", "what", "times", "since", "state"), rows)
    say("for its documents and the fix: mailroom alerts show INCIDENT")


def _times(item: Shown) -> str:
    return times(item["count"]) + (f", {item['unmended']} not fixed yet" if item["unmended"] else "")


def _state(item: Shown) -> str:
    parts = [str(item["status"])]
    if item["acknowledged_by"]:
        parts.append(f"acknowledged by {item['acknowledged_by']}")
    if (until := item["silenced_until"]) and datetime.fromisoformat(until).timestamp() > time.time():
        parts.append(f"silenced until {moment_text(until)} by {item['silenced_by']}: {item['silenced_why']}")
    return ", ".join(parts)


@alerts.command("show", short_help="Explain one incident: its documents, the fix, and the notices sent.")
@click.argument("key")
@click.option("--limit", default=50, show_default=True, type=WholeNumber(), help="Maximum number of documents.")
@JSON
def show_incident(key: str, limit: int, as_json: bool) -> None:
    """Explain one incident, by the key in its alert: its documents, the fix, and the notices sent."""
    item = operate(lambda it: it.incident(key, limit=limit))
    if as_json:
        print_json(item)
        return
    say(f"{one_line(item['title'])}  {item['key']}")
    say(f"  {_state(item)}; {item['severity']}, {item['kind']}, no. {item['number']} of its kind")
    ended = moment_text(item["closed_at"] or item["last_at"])
    say(f"  {_times(item)}; {moment_text(item['opened_at'])} to {ended}")
    over = item["status"] == Status.RESOLVED
    for name, text in (
        ("message", item["detail"]),
        ("tried", item["tried"]),
        ("fix", "" if over else item["fix"]),  # a resolved incident needs no fix
    ):
        if text:
            own = item["kind"] in ("table.refused", "shadow.refused")  # the errors of a file of ours, one a line
            for line in text.splitlines() if own else [text]:
                say(f"  {name}: {one_line(line)}")
    for command in () if over else item["commands"]:
        if command != f"mailroom alerts show {item['key']}":  # for who reads the notice: here it is shown
            say(f"    {command}")
    rows = [
        (each["document_id"] or each["task_id"] or "", each["name"] or "", each["job_id"] or "",
         moment_text(each["at"]), each["detail"])
        for each in item["documents"]
    ]  # fmt: skip
    say("")
    table(("document", "name", "job", "when", "message"), rows)
    if notified := [
        (each["channel"], each["told"] or "none yet", moment_text(each["told_at"]), each["error"] or "")
        for each in item["channels"]
    ]:
        say("")
        table(("channel", "last notice", "when", "error"), notified)


@alerts.command(short_help="Acknowledge an incident.")
@click.argument("key")
@WHO
@JSON
def ack(key: str, who: str, as_json: bool) -> None:
    """Acknowledge an incident: Mailroom sends no more reminders and does not escalate it."""
    _print(mend(lambda it: it.acknowledge(key, who=who)), as_json=as_json)


@alerts.command(short_help="Silence notices about an incident for a while.")
@click.argument("key")
@click.option("--for", "seconds", type=SPAN, help="Duration: 30m, 2h, 7d.")
@click.option("--why", type=REASON, default="", help="Reason; recorded with the incident.")
@click.option("--end", is_flag=True, help="End the silence.")
@WHO
@JSON
def silence(key: str, seconds: float | None, why: str, end: bool, who: str, as_json: bool) -> None:
    """Silence notices about this incident, and later ones with the same cause, for a while. It is still listed."""
    if end == (seconds is not None) or (seconds is not None and not why):
        raise click.UsageError("give --for and --why, or --end")
    if seconds is not None and seconds <= 0:
        raise click.UsageError("--for: a silence needs a duration above 0, such as 2h; --end ends one")
    _print(mend(lambda it: it.silence(key, seconds or 0.0, why, who=who)), as_json=as_json)


def _print(incident: Shown, *, as_json: bool) -> None:
    if as_json:
        print_json(incident)
    else:
        say(f"{one_line(incident['title'])}: {_state(incident)}")


@alerts.command("test", short_help="Send a test notice to channels.")
@click.argument("channels", nargs=-1)
@WHO
@JSON
def try_channels(channels: tuple[str, ...], who: str, as_json: bool) -> None:
    """Send a test notice to these channels, named as in mailroom.yaml; to all by default.

    Exit 1 if a channel rejects it.
    """
    results = with_app(lambda app: _tried(app, channels, who))
    if as_json:
        print_json(
            {
                "channels": [
                    {"channel": to, "fine": error is None, "detail": _test_result(error)} for to, error in results
                ]
            }
        )
    else:
        table(("", "channel", "result"), [("✘" if error else "✔", to, _test_result(error)) for to, error in results])
    raise SystemExit(1 if any(error for _, error in results) else 0)


async def _tried(app: App, channels: tuple[str, ...], who: str) -> list[tuple[str, Exception | None]]:
    named = [channel_name(to) for to in channels] or app.context.channels
    return [(to, await send_test(to, app.context, who=who)) for to in named]


def _test_result(error: Exception | None) -> str:
    if error is None:
        return "accepted the test notice"
    fix = error.fix if isinstance(error, MailroomError) else ""
    return f"{error}; {fix}" if fix else str(error)


@alerts.command("channels")
@JSON
def list_channels(as_json: bool) -> None:
    """List alert channels and their health."""
    records = with_app(_channels)
    if as_json:
        print_json({"channels": [show.channel(item) for item in records]})
        return
    table(
        ("", "channel", "last notice", "state", "error"),
        [(*_fares(item)[:1], item.id, when(item.last_told_at), *_fares(item)[1:], item.error) for item in records],
    )


def _fares(item: Channel) -> tuple[str, str]:
    """A mark, and the channel's state in words."""
    if item.failing_since:
        return "✘", f"failing{' for some addresses' if item.partly else ''} since {when(item.failing_since)}"
    return ("…", f"retrying since {when(item.trying_since)}") if item.trying_since else ("✔", "ok")


async def _channels(app: App) -> list[Channel]:
    return [await app.context.store.get(Channel, to) or Channel(id=to) for to in app.context.channels]
