"""Whatever becomes of the table, and whatever people say: each destination gets each thing once, and knows what holds.

Tables change, replays and corrections come in any order, places break and come back, workers die between a delivery and
its record, months go by and bytes are forgotten. A consumer at each queue does what docs/consumers.md says: it keeps,
for each document, the message with the highest number.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.decision import undoable
from receiver.core.delivery_request import DeliveryRequest, Pointer, PointerState
from receiver.core.document import Document, DocumentState, Receipt, Step
from receiver.core.errors import DestinationBusy, NotAllowed
from receiver.core.follow_up import mark_outdated
from receiver.core.job import JobStatus
from receiver.core.links import ContentLinks
from receiver.core.message_type import Meaning
from receiver.core.object_key import rendered_address
from receiver.core.redecide import moved
from receiver.core.routing_choice import choices
from receiver.operations.expired_content import delete_content
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.reclassify import reclassify
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryDestination

INVOICES = '"bytes://invoices/", "words://invoices"'
REVIEWED = 'no_match: {to: ["bytes://unsorted/", "words://unsorted"], review: true}'
FIRST = TABLE.replace('no_match: {to: ["bytes://unsorted/"], review: true}', REVIEWED)
TABLES = (
    FIRST,
    FIRST.replace("- type: invoice\n", "- type: invoice\n    name: bills\n", 1),
    FIRST.replace("words://invoices", "words://accounts"),
    FIRST.replace("bytes://invoices/", "bytes://{type}/"),
    FIRST.replace(INVOICES, '"words://invoices"'),
    FIRST.replace(INVOICES, f'{INVOICES}, "words://audit", "bytes://copies/"'),
    FIRST.replace("min_confidence: 0.8", "min_confidence: 0.99"),
    FIRST.replace('"bytes://contracts/"', '"bytes://contracts/", "words://contracts"'),
    FIRST.replace(REVIEWED, "no_match: {review: true}"),
    FIRST.replace('"bytes://invoices/"', '{to: "bytes://invoices/", tags: team=finance}'),
    FIRST.replace('"words://invoices"', '{to: "words://invoices", group: type}'),
    FIRST.replace('failed: {to: ["bytes://failed/"]}', 'failed: {to: ["words://failed"]}'),
)
LINKS = ContentLinks(base="https://documents.example.com", days=7, secrets=(b"a-secret-of-ours-alone",))
QUARTER, MONTH = 900.0, 31 * 86400.0
TYPES = ("invoice", "contract", None)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("in"), st.sampled_from(TYPES)),
        st.tuples(st.just("table"), st.integers(0, len(TABLES) - 1)),
        st.tuples(st.sampled_from(["reroute", "replay"]), st.sampled_from(["all", "parked", "one"])),
        st.tuples(st.just("word"), st.integers(0, 7)),
        st.tuples(st.just("undo"), st.integers(0, 2)),
        st.tuples(st.just("reclassify"), st.integers(0, 2)),
        st.tuples(st.just("break"), st.sampled_from(["bytes", "words", "both"])),
        st.tuples(st.just("lie"), st.sampled_from(["bytes", "words"])),
        st.tuples(st.sampled_from(["heal", "forget"]), st.none()),
        st.tuples(st.just("later"), st.sampled_from([5.0, QUARTER, 86400.0, MONTH])),
        st.tuples(st.just("work"), st.sampled_from([1, 2, 50])),
    ),
    min_size=4, max_size=25,
)  # fmt: skip

CORRECTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("settled"), st.sampled_from(TYPES)),
        st.tuples(st.just("corrected"), st.integers(0, 7)),
        st.tuples(st.just("undone"), st.integers(0, 2)),
        st.tuples(st.just("reclassified"), st.sampled_from((*TYPES, "fails"))),
        st.tuples(st.sampled_from(["reroute", "replay"]), st.just("all")),
        st.tuples(st.just("table"), st.integers(0, len(TABLES) - 1)),
        st.tuples(st.just("break"), st.sampled_from(["bytes", "words"])),
        st.tuples(st.just("heal"), st.none()),
        st.tuples(st.just("later"), st.just(86400.0)),
    ),
    min_size=6, max_size=20,
)  # fmt: skip
"""The same, with documents that are mostly settled, so that a person has something to correct and to undo."""


@dataclass
class WatchedPlace(InMemoryDestination):
    """A place that, when it is told to, delivers and loses its answer; and that looks whether pointers open."""

    lies: bool = False
    opens: dict[str, bytes] = field(default_factory=dict)
    clock: Callable[[], float] = float

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        receipt = await super().deliver(request)
        if not self.holds_bytes and request.meaning is not Meaning.SUPERSEDED:
            self._look(request.document, request.pointer)
        if self.lies:
            raise DestinationBusy("the answer was lost")
        return receipt

    def _look(self, document: Document, pointer: Pointer) -> None:
        """The pointer opens now; there is none only where Mailroom itself has forgotten the bytes."""
        if pointer.state is PointerState.STORED:
            assert pointer.url in self.opens
        elif pointer.url:
            path, _, token = pointer.url.partition("?token=")
            assert path == f"https://documents.example.com/documents/{document.id}/content"
            assert LINKS.proves(token, document.id, now=self.clock())
        else:
            assert document.forgotten_at is not None


class Life:
    def __init__(self, folder: Path) -> None:
        self.memory_app = app = InMemoryApp(folder, FIRST)
        app.bytes = WatchedPlace(holds_bytes=True)
        app.words = WatchedPlace(holds_bytes=False, opens=app.bytes.objects, clock=lambda: app.now)
        app.context = replace(
            app.context,
            destinations={"bytes": app.bytes, "words": app.words}, sources={"bytes": app.bytes}, links=LINKS,
        )  # fmt: skip
        self.contents: dict[str, bytes] = {}
        self.lied = False

    async def run(self, steps: Sequence[tuple[str, object]]) -> None:
        for what, given_ in steps:
            await getattr(self, f"_{what}")(given_)
        await self._come_to_rest()
        await self._nothing_is_left_behind()
        self._each_place_got_everything_once()
        await self._each_consumer_knows_what_holds()

    async def _in(self, type_: object) -> None:
        number = len(self.contents)
        document = await self.memory_app.submitted(name=f"{number}.pdf", content=b"%%PDF %d" % number)
        self.contents[document.id] = b"%%PDF %d" % number
        self.memory_app.cloud.classified(document.job_id, type_)  # type: ignore[arg-type]
        await self.memory_app.event(document.job_id)

    async def _settled(self, type_: object) -> None:
        await self._in(type_)
        await self._work(50)

    async def _corrected(self, number: int) -> None:
        await self._word(number)
        await self._work(50)

    async def _undone(self, number: int) -> None:
        await self._undo(number)
        await self._work(50)

    async def _reclassify(self, number: int) -> None:
        for document in (await self.memory_app.all(Document))[number::3]:
            await reclassify(document.id, self.memory_app.context, who="ann", also_decided=number == 0)

    async def _reclassified(self, type_: str | None) -> None:
        await self._reclassify(0)
        await self._work(50)
        await self._answered(type_)
        await self._work(50)

    async def _answered(self, type_: str | None) -> None:
        """All jobs of open documents end with this type, or fail."""
        for document in await self.memory_app.all(Document):
            if document.step is not Step.SUBMITTED or self.memory_app.cloud.reports[document.job_id].status.final:
                continue
            if type_ == "fails":
                self.memory_app.cloud.finish(document.job_id, JobStatus.FAILED, error="damaged")
            else:
                self.memory_app.cloud.classified(document.job_id, type_)
            await self.memory_app.event(document.job_id)

    async def _table(self, number: int) -> None:
        self.memory_app.use(TABLES[number])

    async def _reroute(self, which: str) -> None:
        await self._replayed(which, reroute=True)

    async def _replay(self, which: str) -> None:
        await self._replayed(which, reroute=False)

    async def _replayed(self, which: str, *, reroute: bool) -> None:
        ids = tuple(list(self.contents)[:1]) if which == "one" else ()
        choice = ReplayFilter(ids=ids, since=0.0, parked=which == "parked", reroute=reroute)
        async for document in selected_documents(choice, self.memory_app.context):
            assert await carry_out(await foreseen(document, choice, self.memory_app.context), self.memory_app.context)

    async def _word(self, number: int) -> None:
        names = list(choices(self.memory_app.context.config.table))
        for document in (await self.memory_app.all(Document))[number % 3 :: 3]:
            word = (
                RoutingDecision(type=("invoice", "contract")[number % 2])
                if number > 3
                else RoutingDecision(to=names[number % len(names)])
            )
            await self._decided(document, word)

    async def _undo(self, number: int) -> None:
        for document in (await self.memory_app.all(Document))[number::3]:
            await self._decided(document, RoutingDecision(undo=True))

    async def _decided(self, document: Document, word: RoutingDecision) -> None:
        """Any settled document can be corrected, and any decision undone, unless no copy of its bytes is left."""
        said, decisions = document.classification, document.decisions
        try:
            after = await route_by_hand(document.id, word, self.memory_app.context)
        except NotAllowed:
            nothing_to_undo = word.undo and undoable(document.decisions) is None
            assert document.state is DocumentState.OPEN or document.forgotten_at is not None or nothing_to_undo
            return
        assert after.classification == said, "LlamaCloud's word stays"
        assert [item.number for item in after.decisions] == [*range(1, len(decisions) + 2)]
        last = undoable(document.decisions)
        if word.undo and last is not None and last.plan is not None:
            assert (after.corrected_type, after.plan) == (
                last.typed,
                replace(last.plan, decided_at=self.memory_app.now),
            )
        elif word.type:
            assert after.type == word.type

    async def _break(self, which: str) -> None:
        for place in self._places(which):
            place.broken = DestinationBusy("503")

    async def _lie(self, which: str) -> None:
        self.lied = True
        for place in self._places(which):
            place.lies = True

    def _places(self, which: str) -> list[WatchedPlace]:
        named = {"bytes": self.memory_app.bytes, "words": self.memory_app.words}
        return [place for name, place in named.items() if which in (name, "both") and isinstance(place, WatchedPlace)]

    async def _heal(self, _: object) -> None:
        for place in self._places("both"):
            place.broken, place.lies = None, False

    async def _forget(self, _: object) -> None:
        await delete_content(self.memory_app.context)

    async def _later(self, seconds: float) -> None:
        self.memory_app.later(seconds)

    async def _work(self, limit: int) -> None:
        await self.memory_app.work_on(limit)

    async def _come_to_rest(self) -> None:
        """All is well again, what gave up is resumed, and the table of today decides what it may decide."""
        await self._heal(None)
        await self.memory_app.work()
        await self._answered("contract")
        for _ in range(3):
            for which in ("parked", "all"):
                self.memory_app.later(86400.0)
                await self.memory_app.work()
                await self._replayed(which, reroute=which == "all")
            await self.memory_app.work()

    async def _nothing_is_left_behind(self) -> None:
        table = self.memory_app.context.config.table
        for document in await self.memory_app.all(Document):
            assert document.state is not DocumentState.OPEN
            assert moved(document, table, now=self.memory_app.now) is None
            assert all(item.done for item in document.deliveries)
            assert not any(mark_outdated(item, document) for item in document.deliveries)
            self._one_place_counts(document)
        sent = len(self.memory_app.words.requests)
        await self._replayed("all", reroute=False)
        await self.memory_app.work()
        assert len(self.memory_app.words.requests) == sent
        assert (await self.memory_app.store.tally()).balanced

    def _one_place_counts(self, document: Document) -> None:
        """The places of the plan have the document; any other copy is superseded."""
        assert document.plan is not None
        wanted = {rendered_address(document, to) for to in document.plan.to if self.memory_app.context.holds(to)}
        assert {item.place for item in document.holders} == wanted
        copies = [item for item in document.deliveries if not item.is_message and item.receipt]
        assert {item.place for item in copies if not item.superseded} == wanted
        marks = self.memory_app.bytes.superseded
        said = {item.place: marks[item.place] for item in copies if item.place in marks}
        assert said.keys() == {item.place for item in copies if item.superseded}, "each manifest says what counts"
        assert all({*places} == wanted for places in said.values()), "and where"

    def _each_place_got_everything_once(self) -> None:
        for url, data in self.memory_app.bytes.objects.items():
            assert data == self.contents[url.split("/")[3]]
        messages = Counter((item.url, item.delivery_id) for item in self.memory_app.words.requests)
        assert self.lied or set(messages.values()) <= {1}
        numbers = {
            (item.url, item.document.id, item.sequence): item.delivery_id for item in self.memory_app.words.requests
        }
        assert len(set(numbers.values())) == len(numbers) == len(messages)

    async def _each_consumer_knows_what_holds(self) -> None:
        newest: dict[tuple[str, str], DeliveryRequest] = {}
        for item in sorted(self.memory_app.words.requests, key=lambda item: item.sequence):
            before = newest.get((item.url, item.document.id))
            # It replaces another one if a withdrawal was planned in between: that may have been sent, for all we know.
            if before is not None and item.replaces == before.delivery_id and not self.lied:
                assert _claim(before) != _claim(item), "it was told what it knew"
            newest[item.url, item.document.id] = item
        for document in await self.memory_app.all(Document):
            assert document.plan is not None
            wanted = {to.url for to in document.plan.to if to.url.startswith("words:")}
            known = {url: item for (url, about), item in newest.items() if about == document.id}
            assert wanted == {url for url, item in known.items() if item.meaning is not Meaning.SUPERSEDED}
            for item in (known[url] for url in wanted):
                assert (item.document.type, item.plan.review) == (document.type, document.plan.review)
                assert item.pointer.url == (document.stored.location if document.stored else item.pointer.url)
                assert item.pointer.state is not PointerState.PENDING


def _claim(item: DeliveryRequest) -> tuple[object, ...]:
    kind = Meaning.ROUTED if item.meaning is Meaning.CORRECTED else item.meaning
    where = item.pointer.url if item.pointer.state is PointerState.STORED else ""
    return kind, item.document.type, item.plan.review, where, item.pointer.state


@settings(max_examples=120)
@given(steps=STEPS)
def test_each_destination_gets_each_thing_once_and_every_consumer_knows_what_holds(
    steps: list[tuple[str, object]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Life(Path(folder)).run(steps))


@settings(max_examples=60)
@given(steps=CORRECTIONS)
def test_whatever_is_corrected_and_undone_one_place_counts_and_every_consumer_knows_it(
    steps: list[tuple[str, object]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Life(Path(folder)).run([("settled", "invoice"), *steps]))
