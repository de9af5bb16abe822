"""Records as DynamoDB items: what a key may be, how places sort, and the table that the deployment makes."""

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.change import INDEXES, Record, changed
from receiver.core.document import Delivery, Document
from receiver.core.errors import Misconfigured
from receiver.core.event import Event
from receiver.core.follow_up import delivery_task
from receiver.core.plan import Target
from receiver.core.task import Rank, Task, TaskState, delivery_task_ids
from receiver.store import codec
from receiver.store.dynamodb.body import DICTIONARIES, NEWEST
from receiver.store.dynamodb.items import (
    FIRST,
    KEY_LIMIT,
    LAST,
    SHARDS,
    SHARED,
    brief,
    entries_of,
    gsi_of,
    item_of,
    partitions,
    pk_of,
    place_of,
    record_of,
)
from receiver.store.dynamodb.table import INDEXES as TABLE_INDEXES
from receiver.store.dynamodb.table import table_of
from tests.builders import NOW, a_document, a_task, an_event
from tests.integration.test_store_model import RECORDS

ROOT = Path(__file__).parents[3]
MOMENTS = st.floats(min_value=1.1e9, max_value=2.5e11)
IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.text("aé", min_size=890, max_size=910), st.text("aé", min_size=890, max_size=910))
def test_different_ids_have_different_keys_however_long(item: str, other: str) -> None:
    assert (brief(item) == brief(other)) == (item == other)
    assert len(brief(item).encode()) <= KEY_LIMIT


def test_the_key_of_a_long_id_is_no_other_ids_key() -> None:
    far = "x" * 2000
    assert brief(brief(far)) != brief(far)
    assert len(brief(brief(far))) <= KEY_LIMIT


@given(st.tuples(MOMENTS, IDS), st.tuples(MOMENTS, IDS))
def test_places_sort_as_moments_and_ids_do(item: tuple[float, str], other: tuple[float, str]) -> None:
    assert (place_of(*item) < place_of(*other)) == (item < other)
    assert FIRST < place_of(item[0]) < place_of(*item) < place_of(item[0]) + LAST < LAST


@given(MOMENTS, MOMENTS)
def test_a_moment_alone_comes_before_all_of_that_moment(at: float, other: float) -> None:
    assert (place_of(at) < place_of(other, "id")) == (at <= other)


@pytest.mark.parametrize("letter", ["x", "ü", "📬"])
def test_an_id_of_any_length_makes_a_key_that_dynamodb_takes(letter: str) -> None:
    event = an_event(id=letter * 2000, job_id=letter * 2000)
    entries = entries_of(event).values()
    assert len(pk_of(Event, event.id).encode()) <= 2048
    assert all(len(entry.partition.encode()) <= 2048 and len(entry.place.encode()) <= 1024 for entry in entries)
    assert pk_of(Event, event.id) != pk_of(Event, event.id + letter)


def test_a_body_that_is_too_long_for_an_item_is_packed() -> None:
    document = a_document(metadata={"text": "a long story, " * 60_000})
    item = item_of(document, wrote="me")
    assert sum(len(str(value)) for value in item.values()) < 400_000
    assert record_of(Document, item) == document


def test_a_body_is_packed_where_that_has_fewer_bytes_than_its_text() -> None:
    """Characters of three bytes: a text of 150,000 of them would not fit into an item."""
    letters = "".join(chr(0x4E00 + at * 7919 % 20_000) for at in range(150_000))
    document = a_document(metadata={"text": letters})
    item = item_of(document, wrote="me")
    assert len(item["body"]["B"]) < len(codec.encode(document).encode())
    assert record_of(Document, item) == document


def test_what_all_records_share_is_spread_over_partitions() -> None:
    used = {entries_of(a_task())["all"].partition for _ in range(200)}
    assert used == set(partitions(Task, "all", None))
    assert len(used) == SHARDS


@pytest.mark.parametrize("kind", ["deliver", "react", "submit"])
def test_what_is_claimed_lies_in_the_part_of_its_rank(kind: str) -> None:
    used = {entries_of(a_task(kind=kind))["claimable"].partition for _ in range(200)}
    assert used == set(partitions(Task, "claimable", None, a_task(kind=kind).rank))
    assert len(used) == SHARDS
    everywhere = partitions(Task, "claimable", None)
    assert used < set(everywhere)
    assert len(everywhere) == SHARDS * (len(Rank) + 1), "and what an older Mailroom wrote"


def test_a_record_without_a_value_is_in_no_index_for_it() -> None:
    assert set(entries_of(a_document(deadline=None, batch_id="mail"))) == {"state", "batch"}
    assert "gsi5pk" not in item_of(a_document(deadline=None), wrote="me")


def test_time_to_live_is_in_whole_seconds_and_never_early() -> None:
    item = item_of(an_event(expires_at=NOW + 0.25), wrote="me")
    assert item["expires_at"]["N"] == str(int(NOW) + 1)


def test_each_index_of_ours_has_a_place_in_the_tables() -> None:
    for kind, indexes in INDEXES.items():
        places = {name: gsi_of(kind, name) for name in indexes}
        assert set(places.values()) <= {f"gsi{number + 1}" for number in range(TABLE_INDEXES)}
        shared = [name for name in indexes if (kind, name) in SHARED]
        assert len(set(places.values())) == len(indexes) - len(shared)


@given(RECORDS)
def test_no_record_is_in_two_indexes_that_share_a_place(record: Record) -> None:
    entries = entries_of(record)
    assert len({gsi_of(type(record), name) for name in entries}) == len(entries)


def test_the_deployed_table_is_the_one_that_the_store_expects() -> None:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's own tags as plain text."""

    Loader.add_multi_constructor("!", lambda _, tag, node: f"{tag} {node.value}")
    template = yaml.load((ROOT / "infra/tables.yml").read_text(), Loader)  # noqa: S506 - a SafeLoader
    (table,) = (item for item in template["Resources"].values() if item["Type"] == "AWS::DynamoDB::Table")
    deployed: dict[str, Any] = table["Properties"]
    expected = table_of("mailroom")
    for part in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode"):
        assert deployed[part] == expected[part], part
    assert deployed["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@given(RECORDS)
def test_a_record_comes_back_whichever_client_hands_its_bytes_over(record: Record) -> None:
    """boto3 answers with bytes, our own client with the base64 that AWS sends."""
    item = item_of(record, wrote="w")
    assert record_of(type(record), item) == record
    if "B" in item["body"]:
        sent = base64.b64encode(item["body"]["B"]).decode()
        assert record_of(type(record), {**item, "body": {"B": sent}}) == record


@given(RECORDS)
def test_what_an_older_mailroom_wrote_is_still_read(record: Record) -> None:
    """It wrote JSON, what was long compressed, as text, and then all of it against the first dictionary."""
    body = codec.encode(record)
    for text in (body, "zlib:" + base64.b64encode(zlib.compress(body.encode())).decode()):
        assert record_of(type(record), {**item_of(record, wrote="w"), "body": {"S": text}}) == record
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS, zdict=DICTIONARIES[1])
    first = b"\x01" + packer.compress(body.encode()) + packer.flush()
    assert record_of(type(record), {**item_of(record, wrote="w"), "body": {"B": first}}) == record


def test_a_dictionary_that_was_used_stays_as_it_is() -> None:
    """Records are compressed against it: one byte more or less, and they cannot be read."""
    known = {
        1: "d6a4da46b338bc9f6ecc99dc1a6632d58063fb0b6dcbcd22361ecda514943842",
        2: "d5026c706cd88793fbc84d61b1118dd844b6cfb75998a12dedf74fe522b4684a",
        3: "1ed9e4e05413e9b2173be8e643df0595d709fb7410ede03cf2ddbc798f77eeba",
    }
    assert {number: hashlib.sha256(text).hexdigest() for number, text in DICTIONARIES.items()} == known


@given(st.integers(NEWEST + 1, 255), st.binary(max_size=20))
def test_a_body_compressed_against_a_dictionary_of_a_newer_mailroom_is_refused_by_name(
    number: int, rest: bytes
) -> None:
    item = {**item_of(a_document(id="doc_1"), wrote="w"), "body": {"B": bytes([number]) + rest}}
    with pytest.raises(Misconfigured, match=rf"^document#doc_1 was written by a newer Mailroom \(dictionary {number};"):
        record_of(Document, item)


@given(RECORDS, st.floats(0, 0.5), st.integers(1, 20))
def test_a_damaged_body_is_refused_with_the_name_of_its_item(record: Record, kept: float, count: int) -> None:
    """Cut short, with other bytes, or of another type: the error is ours, and never zlib's, base64's or msgspec's."""
    item = item_of(record, wrote="w")
    (form, body), raw = next(iter(item["body"].items())), codec.encode(record).encode()
    whole = body if form == "B" else body.encode()
    cut = whole[: int(kept * len(whole))]
    old = "zlib:" + base64.b64encode(zlib.compress(raw)[: count % 10]).decode()
    bodies: list[dict[str, object]] = [
        {form: cut if form == "B" else cut.decode(errors="replace")},
        {"B": bytes([NEWEST]) + b"\xff" * count},
        {"B": b"\0" + whole},
        {"B": "A"},
        {"S": old},
        {"S": "zlib:%%%"},
        {"N": "1"},
    ]
    for damaged in bodies:
        with pytest.raises(Misconfigured, match=r"^the item .* is damaged: its body cannot be read") as refused:
            record_of(type(record), {**item, "body": damaged})
        assert item["pk"]["S"] in str(refused.value)
        assert "docs/runbook-aws.md" in refused.value.fix


def test_a_document_that_came_alone_is_in_no_index_of_batches() -> None:
    assert "batch" not in entries_of(a_document(id="doc_a", batch_id="doc_a"))
    assert "batch" in entries_of(a_document(id="doc_a", batch_id="doc_mail"))


def test_a_ready_task_is_in_one_index_of_the_two_that_could_list_it() -> None:
    assert "state" not in entries_of(a_task())
    assert {"claimable", "subject", "all"} <= set(entries_of(a_task()))
    assert "state" in entries_of(a_task(state=TaskState.PARKED))


def test_a_finished_task_is_in_no_index_by_state() -> None:
    assert set(entries_of(a_task(state=TaskState.DONE))) == {"all", "subject"}


@pytest.mark.parametrize(
    "body", [{"B": b""}, {"B": "?"}, {"S": ""}, {"S": "zlib:?"}, {"S": "zlib:" + "eJw="}, {"S": "[1]"}, {}]
)
def test_a_body_that_is_none_is_told_with_its_item(body: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match=r"^the item document#doc_1 is damaged: "):
        record_of(Document, {**item_of(a_document(id="doc_1"), wrote="w"), "body": body})


@given(st.text(min_size=1, max_size=9), st.integers(0, 5), st.sampled_from(TaskState))
def test_the_task_of_a_delivery_is_found_by_its_document_or_has_an_entry(
    delivery_id: str, run: int, state: TaskState
) -> None:
    delivery = Delivery(id=delivery_id, to=Target(url="s3://mail/"), route="", place="", run=run)
    document = a_document(deliveries=(delivery,))
    new = delivery_task(delivery, document, now=NOW).record
    assert isinstance(new, Task)
    task = changed(new, state=state)
    assert task.id in delivery_task_ids(document)
    assert ("subject" in entries_of(task)) == (state is TaskState.PARKED)
    for strange in (a_task(kind="deliver", details=task.details), changed(task, details={}), changed(task, kind="odd")):
        assert "subject" in entries_of(strange)
