"""What every destination keeps, whatever it is made of.

A test module gives a class for its destination: ``class TestFolder(HoldsBytes)``, with a fixture ``place`` that holds
the adapter and lets the test look inside. Nothing here knows how the looking is done.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from receiver.core.delivery_request import CopyMark, DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import DeliveryConflict, FileGone
from receiver.core.manifest import SUFFIX, is_manifest
from receiver.core.message_type import Meaning
from receiver.core.object_key import path_fields, render
from receiver.core.plan import Target
from receiver.destination_traits import KeepsRecords, MarksCopies, ReadsBack
from receiver.ports import Destination
from tests.builders import a_document
from tests.delivery_requests import a_content, a_delivery_request

HOSTILE = (
    "../../etc/passwd",
    "..\\..\\windows\\system32\\a.pdf",
    "a\x00b\x1f\u202egnp.pdf",
    "x" * 300 + ".pdf",
    "📮 Rechnung №5 {document_id} %2e%2e.pdf",
    ".",
    "..",
    "",
    "a?b#c&d=e;f'g\"h.pdf",
)


class Place(ABC):
    """A destination and a look inside it. ``template`` is a target of it that exists and ends in ``/``, or a queue."""

    destination: Destination
    template: str
    options: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed
    """Options that a target of it needs."""
    absent: str = ""
    """A target that is well written and is not there."""
    exactly_once: bool = True
    """False where a repeat may be seen twice, with the same delivery id."""

    @abstractmethod
    async def count(self) -> int:
        """How many effects there are: documents, or messages."""

    @abstractmethod
    async def read(self, receipt: Receipt) -> bytes:
        """What lies where the receipt says."""


class DestinationContract:
    """All destinations."""

    pytestmark = pytest.mark.anyio

    async def test_it_is_a_destination(self, place: Place) -> None:
        assert isinstance(place.destination, Destination)

    async def test_what_was_delivered_lies_where_the_receipt_says(self, place: Place) -> None:
        receipt = await place.destination.deliver(_parcel(place))
        assert await place.read(receipt)
        assert await place.count() == 1

    async def test_a_crash_between_send_and_record_is_one_effect(self, place: Place) -> None:
        request = _parcel(place)
        first, second = await place.destination.deliver(request), await place.destination.deliver(request)
        if place.exactly_once:
            assert await place.count() == 1
            assert first.location == second.location
        else:
            ids = {json.loads(await place.read(item))["id"] for item in (first, second)}
            assert ids == {request.delivery_id}

    async def test_what_holds_bytes_can_be_read_back_and_a_message_cannot(self, place: Place) -> None:
        assert isinstance(place.destination, ReadsBack) == place.destination.holds_bytes

    async def test_a_good_target_has_no_faults(self, place: Place) -> None:
        assert place.destination.faults(_target(place)) == []

    async def test_an_unknown_option_is_named(self, place: Place) -> None:
        (fault,) = place.destination.faults(_target(place, colour="blue"))
        assert "colour" in fault

    async def test_a_place_that_is_there_passes_the_probe(self, place: Place) -> None:
        assert await place.destination.probe(Target(url=place.template)) == []

    async def test_a_place_that_is_not_there_is_named_with_the_fix(self, place: Place) -> None:
        (said,) = await place.destination.probe(Target(url=place.absent))
        assert place.absent.partition("://")[2].removesuffix("/mail/").split("/in/")[0] in said


class HoldsBytes(DestinationContract):
    """Destinations that the document itself is put into."""

    async def test_the_document_arrives_byte_for_byte(self, place: Place) -> None:
        data = bytes(range(256)) * 1000
        request = _parcel(place, data)
        receipt = await place.destination.deliver(request)
        assert await place.read(receipt) == data
        assert receipt.checksum == f"sha256:{request.content.sha256}"
        assert receipt.fresh

    async def test_an_empty_document_arrives_too(self, place: Place) -> None:
        receipt = await place.destination.deliver(_parcel(place, b""))
        assert await place.read(receipt) == b""

    async def test_a_repeat_says_that_it_was_there(self, place: Place) -> None:
        request = _parcel(place)
        await place.destination.deliver(request)
        assert not (await place.destination.deliver(request)).fresh

    async def test_another_content_at_the_same_place_is_a_conflict_and_changes_nothing(self, place: Place) -> None:
        receipt = await place.destination.deliver(_parcel(place, b"first"))
        second = _parcel(place, b"second")
        with pytest.raises(DeliveryConflict) as conflict:
            await place.destination.deliver(second)
        assert second.content.sha256 in str(conflict.value)
        assert await place.read(receipt) == b"first"

    async def test_the_manifest_lies_beside_it(self, place: Place) -> None:
        request = _parcel(place)
        receipt = await place.destination.deliver(request)
        said = json.loads(await place.read(_manifest_of(receipt)))
        assert said["delivery_id"] == request.delivery_id
        assert said["document_id"] == request.document.id
        assert said["sha256"] == request.content.sha256
        assert said["classification"]["type"] == "invoice"

    async def test_records_are_kept_once_under_their_name(self, place: Place) -> None:
        keeper: object = place.destination
        assert isinstance(keeper, KeepsRecords)
        target = Target(url=place.template, options=place.options)
        for content in (b"records", b"of the same version, made again"):
            location = await keeper.keep(target, "4f/doc_a-4f.v3.json.gz", content)
            assert location.endswith("/4f/doc_a-4f.v3.json.gz")
            assert await place.read(Receipt(location=location, fresh=True)) == b"records"

    async def test_a_copy_says_that_it_is_superseded_and_that_it_counts_again(self, place: Place) -> None:
        assert isinstance(place.destination, MarksCopies)
        request = _parcel(place)
        receipt = await place.destination.deliver(request)
        before, data = await place.read(_manifest_of(receipt)), await place.read(receipt)
        says = {"at": "2027-01-15T08:00:00+00:00", "reason": "ann chose route contract", "locations": ["s3://b/c"]}
        mark = CopyMark(url=request.url, document_id=request.document.id, superseded=says, options=request.options)
        for _ in range(2):
            await place.destination.mark(mark)
        marked = await place.read(_manifest_of(receipt))
        assert json.loads(marked) == json.loads(before) | {"superseded": says}
        assert is_manifest(marked, f"letter.pdf{SUFFIX}"), "a watched folder leaves it alone"
        assert await place.read(receipt) == data
        assert not (await place.destination.deliver(request)).fresh
        await place.destination.mark(replace(mark, document_id="doc-other", superseded=None))
        assert await place.read(_manifest_of(receipt)) == marked, "that is another document's"
        await place.destination.mark(replace(mark, superseded=None))
        assert await place.read(_manifest_of(receipt)) == before
        await self.remove(place, _manifest_of(receipt))
        await place.destination.mark(mark)

    async def test_a_crash_before_the_manifest_is_mended_by_the_repeat(self, place: Place) -> None:
        request = _parcel(place)
        receipt = await place.destination.deliver(request)
        await self.remove(place, _manifest_of(receipt))
        await place.destination.deliver(request)
        assert json.loads(await place.read(_manifest_of(receipt)))["delivery_id"] == request.delivery_id

    async def test_what_was_delivered_before_is_looked_at_and_its_bytes_are_not_needed(self, place: Place) -> None:
        request = _parcel(place)
        first = await place.destination.deliver(request)
        gone = replace(request.content, stream=_gone)
        again = await place.destination.deliver(replace(request, content=gone, again=True))
        assert (again.location, again.checksum, again.fresh) == (first.location, first.checksum, False)

    async def test_what_was_delivered_before_and_is_gone_is_delivered_again(self, place: Place) -> None:
        request = replace(_parcel(place), again=True)
        await self.remove(place, await place.destination.deliver(request))
        receipt = await place.destination.deliver(request)
        assert (await place.read(receipt), receipt.fresh) == (b"%PDF-1.7 a letter", True)

    async def test_another_content_where_it_was_delivered_before_is_a_conflict(self, place: Place) -> None:
        await place.destination.deliver(_parcel(place, b"first"))
        with pytest.raises(DeliveryConflict):
            await place.destination.deliver(replace(_parcel(place, b"second"), again=True))

    async def test_other_options_leave_the_bytes_and_the_manifest_as_they_are(self, place: Place) -> None:
        request = _parcel(place)
        first = await place.destination.deliver(request)
        manifest = await place.read(_manifest_of(first))
        changed = replace(request, content=replace(request.content, stream=_gone), again=True, options_changed=True)
        again = await place.destination.deliver(changed)
        assert (again.location, again.checksum, again.fresh) == (first.location, first.checksum, False)
        assert (await place.read(again), await place.read(_manifest_of(again))) == (b"%PDF-1.7 a letter", manifest)

    async def test_the_receipt_says_where_the_manifest_lies(self, place: Place) -> None:
        request = _parcel(place)
        receipt = await place.destination.deliver(request)
        said = json.loads(await place.read(Receipt(location=receipt.manifest)))
        assert said["location"] == request.url

    @pytest.mark.parametrize("data", [b"%PDF-1.7 a letter", b"", bytes(range(256)) * 10_000])
    async def test_what_was_delivered_is_read_back_with_its_manifest(self, place: Place, data: bytes) -> None:
        assert isinstance(place.destination, ReadsBack)
        receipt = await place.destination.deliver(_parcel(place, data))
        stored = await place.destination.read_back(receipt, place.options)
        assert (f"sha256:{stored.sha256}", stored.size) == (receipt.checksum, len(data))
        assert stored.manifest == await place.read(_manifest_of(receipt))

    async def test_reading_back_shows_what_is_stored_now(self, place: Place) -> None:
        assert isinstance(place.destination, ReadsBack)
        receipt = await place.destination.deliver(_parcel(place))
        await self.overwrite(place, receipt, b"something else")
        stored = await place.destination.read_back(receipt, place.options)
        assert (stored.sha256, stored.size) == (a_content(b"something else").sha256, 14)
        await self.remove(place, receipt)
        stored = await place.destination.read_back(receipt, place.options)
        assert (stored.sha256, stored.size) == ("", 0)
        assert stored.manifest, "the manifest is still there"
        await self.remove(place, _manifest_of(receipt))
        assert (await place.destination.read_back(receipt, place.options)).manifest is None

    async def remove(self, place: Any, receipt: Receipt) -> None:
        """Takes away what lies there, behind the destination's back."""
        raise NotImplementedError

    async def overwrite(self, place: Any, receipt: Receipt, data: bytes) -> None:
        """Puts other bytes there, behind the destination's back."""
        raise NotImplementedError

    async def test_a_document_decided_again_keeps_its_first_manifest(self, place: Place) -> None:
        first = _parcel(place, id="doc-1")
        again = _parcel(place, id="doc-1", delivery_id="dlv_other", reasoning="new")
        receipt = await place.destination.deliver(first)
        assert not (await place.destination.deliver(again)).fresh
        assert json.loads(await place.read(_manifest_of(receipt)))["delivery_id"] == first.delivery_id

    async def test_the_manifest_of_another_document_is_a_conflict(self, place: Place) -> None:
        await place.destination.deliver(_parcel(place, id="doc-1"))
        with pytest.raises(DeliveryConflict, match="another document"):
            await place.destination.deliver(_parcel(place, id="doc-2"))

    async def test_bytes_that_changed_since_intake_are_not_delivered(self, place: Place) -> None:
        changed = a_content(b"changed", sha256="0" * 64)
        with pytest.raises(FileGone):
            await place.destination.deliver(_parcel(place, content=changed))
        assert await place.count() == 0

    async def test_a_checksum_that_is_not_known_before_is_found_on_the_way(self, place: Place) -> None:
        data = b"from an adopted job"
        content = a_content(data, sha256="")
        receipt = await place.destination.deliver(_parcel(place, content=content))
        assert receipt.checksum == f"sha256:{a_content(data).sha256}"

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_a_hostile_name_lands_inside_its_prefix(self, place: Place, name: str) -> None:
        document = a_document(name=name)
        url = render(place.template, path_fields(document))
        receipt = await place.destination.deliver(
            a_delivery_request(url, template=place.template, id=document.id, name=name)
        )
        assert await place.read(receipt) == b"%PDF-1.7 a letter"
        assert receipt.location.startswith(f"{place.template}{document.id}/")
        assert ".." not in receipt.location.split("/")

    async def test_a_template_that_could_leave_its_prefix_is_a_fault(self, place: Place) -> None:
        for template in (place.template + "../{document_id}", place.template + "{document_id}/{nonsense}"):
            assert place.destination.faults(Target(url=template))


class PointsToIt(DestinationContract):
    """Destinations that get a message about the document."""

    async def test_the_message_is_a_cloudevent_that_points_to_the_document(self, place: Place) -> None:
        request = _parcel(place)
        said = json.loads(await place.read(await place.destination.deliver(request)))
        assert said["specversion"] == "1.0"
        assert said["type"] == "mailroom.document.routed"
        assert said["id"] == request.delivery_id
        assert said["subject"] == request.document.id
        assert said["datacontenttype"] == "application/json"
        assert said["time"].endswith("Z")
        assert (said["data"]["pointer"], said["data"]["pointer_state"]) == (request.pointer.url, "stored")
        assert said["data"]["classification"]["confidence"] == 0.93

    async def test_two_messages_about_one_document_say_which_is_the_later(self, place: Place) -> None:
        for number, meaning in enumerate((Meaning.ROUTED, Meaning.CORRECTED, Meaning.SUPERSEDED), start=1):
            request = _parcel(place, id="doc-1", delivery_id=f"dlv_{number}")
            receipt = await place.destination.deliver(replace(request, meaning=meaning, sequence=number))
            said = json.loads(await place.read(receipt))
            assert (said["type"], said["sequence"]) == (f"mailroom.document.{meaning}", str(number))

    async def test_a_long_story_is_cut_to_what_a_message_takes(self, place: Place) -> None:
        request = _parcel(place, reasoning="because " * 400_000)
        body = await place.read(await place.destination.deliver(request))
        said = json.loads(body)
        assert len(body) < 4096
        assert said["data"]["shortened"] is True
        assert said["data"]["pointer"] == request.pointer.url
        assert said["data"]["classification"]["reasoning"].startswith("because")


def _target(place: Place, **options: str) -> Target:
    return Target(url=place.template, options={**place.options, **options})


def _parcel(place: Place, data: bytes = b"%PDF-1.7 a letter", **fields: Any) -> DeliveryRequest:
    return a_delivery_request(_url(place), data, template=place.template, options=place.options, **fields)


def _url(place: Place) -> str:
    return place.template + "doc-1/letter.pdf" if place.template.endswith("/") else place.template


def _gone() -> AsyncIterator[bytes]:
    raise FileGone("nobody has the bytes any more")


def _manifest_of(receipt: Receipt) -> Receipt:
    return Receipt(location=receipt.location + ".mailroom.json")
