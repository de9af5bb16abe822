"""Stores that are not AWS's: what they do not know is told with a way out; what broke off is read again."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from handlers.destinations.s3 import PROBE, S3
from handlers.sources.s3 import Place, S3Source
from receiver.core.errors import DeliveryConflict, DestinationBusy, FileGone, Unroutable
from receiver.core.plan import Target
from receiver.core.retry import GiveUp, next_attempt
from tests.builders import a_document
from tests.delivery_requests import a_delivery_request
from tests.odd_s3 import OddS3, odd_s3

pytestmark = pytest.mark.anyio
URL, BODY = "s3://mail/in/a.pdf", b"%PDF-1.7 a letter"


@pytest.fixture
def store() -> Iterator[OddS3]:
    with odd_s3() as store:
        yield store


def permanent(error: Exception) -> bool:
    return next_attempt(error, attempt=1, now=0, spread=0.5) == GiveUp()


async def test_a_store_without_tags_parks_with_the_option_that_leaves_them_out(store: OddS3) -> None:
    store.no_tags = True
    s3 = S3(store.aws)
    with pytest.raises(Unroutable, match=r"NotImplemented.*\(x-amz-tagging\)") as refused:
        await s3.deliver(a_delivery_request(URL, BODY))
    assert permanent(refused.value)
    assert "`tags: none`" in refused.value.fix
    receipt = await s3.deliver(a_delivery_request(URL, BODY, options={"tags": "none"}))
    assert (receipt.location, store.objects["in/a.pdf"]) == (URL, BODY)
    assert "x-amz-tagging" not in store.headers["in/a.pdf"]
    assert store.headers["in/a.pdf"]["if-none-match"] == "*"


async def test_a_store_without_conditions_parks_with_the_option_that_looks_first(store: OddS3) -> None:
    store.no_conditions = True
    s3 = S3(store.aws)
    with pytest.raises(Unroutable, match="NotImplemented") as refused:
        await s3.deliver(a_delivery_request(URL, BODY))
    assert permanent(refused.value)
    assert "`conditions: none`" in refused.value.fix


async def test_without_conditions_what_lies_there_is_still_not_overwritten(store: OddS3) -> None:
    store.no_conditions = True
    s3, options = S3(store.aws), {"conditions": "none"}
    request = a_delivery_request(URL, BODY, options=options)
    assert (await s3.deliver(request)).fresh
    before = dict(store.objects)
    assert not (await s3.deliver(request)).fresh
    with pytest.raises(DeliveryConflict):
        await s3.deliver(a_delivery_request(URL, b"%PDF-1.7 another", options=options))
    assert store.objects == before


async def test_without_conditions_a_large_document_arrives_in_one_piece_or_not_at_all(store: OddS3) -> None:
    store.no_conditions = True
    large = BODY * 1000
    receipt = await S3(store.aws).deliver(a_delivery_request(URL, large, options={"conditions": "none"}))
    assert receipt.checksum == f"sha256:{hashlib.sha256(store.objects['in/a.pdf']).hexdigest()}"


@pytest.mark.parametrize("options", [{}, {"tags": "none"}, {"conditions": "none"}])
async def test_a_store_that_does_what_is_asked_passes_the_check_and_keeps_nothing_of_it(
    store: OddS3, options: dict[str, str]
) -> None:
    store.writes_if_match = True  # MinIO, which was called unsafe for it: nobody relies on it
    assert await S3(store.aws).probe(Target(url="s3://mail/in/{document_id}", options=options)) == []
    assert store.objects == {}
    assert ("x-amz-tagging" in store.headers[f"in/{PROBE}"]) is (options != {"tags": "none"})


@pytest.mark.parametrize(
    ("oddity", "said", "option"),
    [
        ("no_tags", "NotImplemented", {"tags": "none"}),
        ("no_conditions", "NotImplemented", {"conditions": "none"}),
        ("careless", "ignores conditions", {"conditions": "none"}),
    ],
)
async def test_the_check_finds_what_deliveries_would_die_of(
    store: OddS3, oddity: str, said: str, option: dict[str, str]
) -> None:
    setattr(store, oddity, True)
    target, s3 = Target(url="s3://mail/in/"), S3(store.aws)
    (fault,) = await s3.probe(target)
    assert said in fault
    assert f"`{next(iter(option))}: none`" in fault
    assert await s3.probe(replace(target, options=option)) == []
    assert store.objects == {}


async def test_a_role_that_may_not_delete_passes_the_check_each_time(store: OddS3) -> None:
    store.no_delete = True
    s3 = S3(store.aws)
    for _ in range(2):
        assert await s3.probe(Target(url="s3://mail/in/")) == []
    assert store.objects == {f"in/{PROBE}": b""}


@pytest.mark.parametrize("odd", ["half", "page"])
async def test_what_was_not_read_whole_is_no_conflict(store: OddS3, odd: str) -> None:
    s3, request = S3(store.aws), a_delivery_request(URL, BODY)
    await s3.deliver(request)
    for gets in ([odd], ["", odd]):  # the document, its manifest
        store.gets = gets
        with pytest.raises(DestinationBusy):
            await s3.deliver(request)
    assert not (await s3.deliver(request)).fresh


@pytest.mark.parametrize("odd", ["half", "page"])
async def test_another_content_is_a_conflict_only_once_it_was_read(store: OddS3, odd: str) -> None:
    store.objects["in/a.pdf"] = b"somebody else's"
    store.gets = [odd]
    s3 = S3(store.aws)
    with pytest.raises(DestinationBusy):
        await s3.deliver(a_delivery_request(URL, BODY))
    with pytest.raises(DeliveryConflict):
        await s3.deliver(a_delivery_request(URL, BODY))


@pytest.mark.parametrize("odd", ["half", "page"])
async def test_a_source_that_comes_in_part_is_read_again(store: OddS3, odd: str) -> None:
    store.objects["a.pdf"] = BODY
    source, at = S3Source(store.aws), Place("mail", "a.pdf")
    store.gets = [odd]
    with pytest.raises(DestinationBusy):
        await source.look(at, limit=1000)
    seen = await source.look(at, limit=1000)
    assert seen is not None
    assert seen.sha256 == hashlib.sha256(BODY).hexdigest()
    content = await source.content(a_document(content="s3://mail/a.pdf", size=len(BODY)))
    store.gets = [odd]
    with pytest.raises(DestinationBusy):
        [chunk async for chunk in content.stream()]
    assert b"".join([chunk async for chunk in content.stream()]) == BODY


async def test_a_source_that_was_overwritten_is_another_matter(store: OddS3) -> None:
    """All of it comes, and it is not what was taken in: whoever knows its checksum says so."""
    store.objects["a.pdf"] = b"a longer letter than before"
    content = await S3Source(store.aws).content(a_document(content="s3://mail/a.pdf", size=3))
    assert b"".join([chunk async for chunk in content.stream()]) == store.objects["a.pdf"]
    with pytest.raises(FileGone):
        await S3Source(store.aws).look(Place("mail", "b.pdf"), limit=9)


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        ({"tags": "none"}, 0),
        ({"conditions": "none"}, 0),
        ({"conditions": "all"}, 1),
        ({"tags": "nothing"}, 1),
        ({"tags": "none, a=b"}, 1),
    ],
)
def test_the_options_are_checked_as_they_are_written(options: dict[str, str], faults: int) -> None:
    from receiver.aws.boto import Aws

    assert len(S3(Aws()).faults(Target(url="s3://mail/in/", options=options))) == faults
