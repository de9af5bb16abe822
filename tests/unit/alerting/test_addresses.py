"""Each address of a channel hears the truth last, whatever its mailbox refuses and whoever dies meanwhile."""

import contextlib
from dataclasses import replace

import pytest

from receiver.alerting.incidents import silence
from receiver.core.document import DocumentState
from receiver.core.incident import Status
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.sweep import sweep
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.alerting.fragile import DiesError, FragileMail, FragileStore
from tests.unit.alerting.test_alert import fail, sweep_after
from tests.unit.alerting.test_notify import until_rest

pytestmark = pytest.mark.anyio
ANN, BOB = "ann@example.com", "bob@example.com"
NEVER_REMINDED = TABLE.replace("at_most: 1 per 10 minutes", "repeat: never")
RETRY, WINDOW = 300.0, 601.0
FIRST = [(1, "firing"), (1, "resolved")]
SECOND = [(2, "firing"), (2, "resolved")]


@pytest.fixture
def mail(app: InMemoryApp) -> FragileMail:
    app.use(NEVER_REMINDED)
    store = FragileStore(clock=lambda: app.now)
    mail = FragileMail(store=store)
    store.channels, app.store = {"log": mail}, store
    app.context = replace(app.context, store=store, channels={"log": mail})
    return mail


def heard(mail: FragileMail, address: str) -> list[tuple[int, str]]:
    """The incidents' numbers, and what the address got of each."""
    return [(notice.number, str(notice.status)) for notice in mail.heard[address] if notice.kind == "job.failed"]


async def mend(app: InMemoryApp) -> None:
    """Mends all that is wrong, and closes its incidents."""
    for document in await app.all_documents():
        if document.state is not DocumentState.ROUTED:
            await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)
    await until_rest(app)
    await sweep(app.context)
    await until_rest(app)


async def retried(app: InMemoryApp) -> None:
    for _ in range(2):
        await app.workers_die()
        await sweep_after(app, after=RETRY)
        await until_rest(app)


async def silenced(app: InMemoryApp) -> None:
    (incident,) = [item for item in await app.incidents() if item.kind == "job.failed"]
    await silence(incident.id, 86400, "being mended", app.context, who="ann")


async def lacks_the_end_of_the_first(app: InMemoryApp, mail: FragileMail) -> None:
    await fail(app, "a.pdf")
    mail.full = {BOB}
    await mend(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, FIRST[:1])
    app.later(WINDOW)  # from now on the next incident is notified


async def test_an_address_that_lacks_the_end_gets_that_of_the_next_incident_if_that_is_over_too(
    app: InMemoryApp, mail: FragileMail
) -> None:
    await lacks_the_end_of_the_first(app, mail)
    await silenced(app)
    await fail(app, "b.pdf")
    await mend(app)
    mail.full.clear()
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, [FIRST[0], SECOND[1]])


async def test_an_address_that_lacks_the_end_is_not_told_that_it_is_over_while_the_next_one_is_active(
    app: InMemoryApp, mail: FragileMail
) -> None:
    await lacks_the_end_of_the_first(app, mail)
    await silenced(app)
    await fail(app, "b.pdf")
    mail.full.clear()
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, FIRST[:1])
    await mend(app)
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, [FIRST[0], SECOND[1]])


async def test_an_address_that_lacks_the_end_is_not_forgotten_where_the_next_one_is_beyond_the_ceiling(
    app: InMemoryApp, mail: FragileMail
) -> None:
    app.use(NEVER_REMINDED.replace("repeat: never", "repeat: never, ceiling: 1 per 10 hours"))
    await lacks_the_end_of_the_first(app, mail)
    await fail(app, "b.pdf")
    await mend(app)
    mail.full.clear()
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, [FIRST[0], SECOND[1]])


async def test_an_address_that_lacks_the_end_gets_it_though_it_misses_the_next_beginning(
    app: InMemoryApp, mail: FragileMail
) -> None:
    await lacks_the_end_of_the_first(app, mail)
    await fail(app, "b.pdf")
    mail.full.clear()
    await mend(app)
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST + SECOND, [FIRST[0], SECOND[1]])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", ["dies", "unanswered"])
async def test_an_address_that_may_have_got_the_beginning_gets_the_end(
    app: InMemoryApp, mail: FragileMail, when: str, how: str
) -> None:
    """It is retried, and nobody knows how that went."""
    mail.full = {BOB}
    await fail(app, "a.pdf")
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST[:1], [])
    mail.full.clear()
    setattr(mail, how, when)
    with contextlib.suppress(DiesError):
        await sweep_after(app, after=RETRY)
    await mend(app)
    await retried(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == (FIRST, FIRST if when == "after" else FIRST[1:])


async def test_an_address_that_refuses_the_repeated_beginning_gets_the_end_of_the_first(
    app: InMemoryApp, mail: FragileMail
) -> None:
    mail.dies = "after"
    with pytest.raises(DiesError):
        await fail(app, "a.pdf")
    mail.full = {BOB}
    await app.workers_die()
    await until_rest(app)
    assert (heard(mail, ANN), heard(mail, BOB)) == ([FIRST[0]] * 2, FIRST[:1])
    await mend(app)
    mail.full.clear()
    await retried(app)
    assert (heard(mail, ANN)[1:], heard(mail, BOB)) == (FIRST, FIRST)


@pytest.mark.parametrize("steps", ["mend", "mend and fail"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_address_that_a_frozen_process_tells_something_outdated_is_told_the_present_state_once_more(
    app: InMemoryApp, mail: FragileMail, when: str, steps: str
) -> None:
    mail.full = {BOB}
    await fail(app, "a.pdf")
    mail.full.clear()

    async def meanwhile() -> None:
        await app.workers_die()
        await mend(app)
        if steps == "mend and fail":
            app.later(WINDOW)
            await fail(app, "b.pdf")

    mail.others = when, meanwhile
    await sweep_after(app, after=RETRY)
    await retried(app)
    assert mail.overtaken == 1
    (incident,) = [item for item in await app.incidents() if item.kind == "job.failed"]
    last = (2, "firing") if steps == "mend and fail" else (1, "resolved")
    assert incident.status == (Status.FIRING if last[1] == "firing" else Status.RESOLVED)
    assert (heard(mail, ANN)[-1], heard(mail, BOB)[-1]) == (last, last)
