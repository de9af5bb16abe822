"""A place that the table only writes otherwise: it is told nothing, and never that a document is gone after it came."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import Delivery, DeliveryState, Document, Receipt
from receiver.core.message_type import Meaning
from receiver.core.object_key import url_at
from receiver.core.plan import Plan, Target, Way
from receiver.core.replan import replanned
from tests.builders import a_document
from tests.known_places import KnownPlaces

HOME = "https://sqs.eu-central-1.amazonaws.com"
STORE = "https://store.example:9000"
FACTS = KnownPlaces(AWS_REGION="eu-central-1", STORE=STORE, HOME=HOME)
ROLE = {"role": "arn:aws:iam::123456789012:role/writer"}
QUEUES = {
    "home/q1": [
        Target(url="sqs://q1"),
        Target(url="sqs://q1", options={"endpoint": "env:HOME"}),
        Target(url="sqs://q1", options={"endpoint": f"{HOME}/"}),
        Target(url=f"sqs://{HOME}/000000000000/q1"),
        Target(url=f"sqs://{HOME}/000000000000/q1", options=ROLE),
        Target(url="sqs://eu-central-1.queue.amazonaws.com/000000000000/q1"),
    ],
    "home/partner": [Target(url=f"sqs://{HOME}/123456789012/q1", options=ROLE)],
    "paris/q1": [Target(url="sqs://https://sqs.eu-west-3.amazonaws.com/000000000000/q1")],
    "store/q1": [
        Target(url="sqs://q1", options={"endpoint": STORE}),
        Target(url="sqs://q1", options={"endpoint": f"{STORE}/"}),
        Target(url="sqs://q1", options={"endpoint": "https://STORE.example:9000"}),
        Target(url="sqs://q1", options={"endpoint": "env:STORE"}),
        Target(url=f"sqs://{STORE}/000000000000/q1", options={"endpoint": STORE}),
    ],
    "gone/q1": [Target(url="sqs://q1", options={"endpoint": "env:NO_LONGER_SET"})],
}
ADDRESSES = {
    "home/q1": f"{HOME}/000000000000/q1",
    "home/partner": f"{HOME}/123456789012/q1",
    "paris/q1": "https://sqs.eu-west-3.amazonaws.com/000000000000/q1",
    "store/q1": f"{STORE}/000000000000/q1",
    "gone/q1": "https://gone.example/000000000000/q1",
}
SPELLINGS = {target.key: queue for queue, targets in QUEUES.items() for target in targets}
ANYWHERE = st.sampled_from([target for targets in QUEUES.values() for target in targets])
TABLES = st.lists(ANYWHERE, max_size=3, unique_by=lambda target: SPELLINGS[target.key])
RESPELLED = st.sampled_from(sorted(QUEUES)).flatmap(
    lambda queue: st.tuples(st.just(queue), st.lists(st.sampled_from(QUEUES[queue]), min_size=2, max_size=4))
)


def planned(document: Document, *targets: Target) -> Document:
    return replanned(document, Plan(way=Way.MATCHED, route="invoice", reason="", to=targets), FACTS)


def sent(document: Document) -> tuple[Document, list[Delivery]]:
    """The document once every message has arrived, and those that were sent for it."""
    due = [item for item in document.deliveries if item.state is DeliveryState.PENDING]
    done = {
        item.id: replace(
            item,
            state=DeliveryState.DELIVERED,
            receipt=Receipt(location=f"sqs://{ADDRESSES[SPELLINGS[item.to.key]]}#message"),
        )
        for item in due
    }
    return replace(document, deliveries=tuple(done.get(item.id, item) for item in document.deliveries)), due


@given(RESPELLED)
def test_a_place_that_is_written_otherwise_is_told_nothing(case: tuple[str, list[Target]]) -> None:
    _, spellings = case
    document, (first,) = sent(planned(a_document(), spellings[0]))
    by_name = url_at(first.place, "sqs") == "sqs://q1"
    for target in spellings[1:]:
        document, due = sent(planned(document, target))
        if not by_name and target.url == "sqs://q1":
            return  # of a name nobody knows, without asking, whether the address that was sent to is that queue's
        assert due == []


@settings(max_examples=300)
@given(st.lists(TABLES, min_size=1, max_size=6))
def test_what_a_place_is_told_counts_up_and_ends_with_what_holds(tables: list[list[Target]]) -> None:
    document, numbers, known = a_document(), dict[str, list[int]](), dict[str, Meaning | None]()
    for targets in tables:
        document, due = sent(planned(document, *targets))
        for item in sorted(due, key=lambda item: item.sequence):
            queue = SPELLINGS[item.to.key]
            numbers.setdefault(queue, []).append(item.sequence)
            known[queue] = item.meaning
        wanted = {SPELLINGS[target.key] for target in targets}
        assert wanted == {queue for queue, meaning in known.items() if meaning is not Meaning.SUPERSEDED}
    for heard in numbers.values():
        assert heard == sorted(set(heard))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (QUEUES["home/q1"][0], QUEUES["home/q1"][3]),
        (QUEUES["home/q1"][0], QUEUES["home/q1"][4]),
        (QUEUES["home/q1"][0], QUEUES["home/q1"][1]),
        (QUEUES["store/q1"][0], QUEUES["store/q1"][1]),
        (QUEUES["store/q1"][1], QUEUES["store/q1"][0]),
        (QUEUES["store/q1"][0], QUEUES["store/q1"][4]),
    ],
)
def test_a_name_becomes_an_address_and_an_endpoint_is_written_otherwise(before: Target, after: Target) -> None:
    document, (first,) = sent(planned(a_document(), before))
    document, due = sent(planned(document, after))
    assert due == []
    assert [(item.id, item.superseded) for item in document.deliveries] == [(first.id, False)]
    assert url_at(document.deliveries[0].place, "sqs") == before.url


def test_where_nobody_knows_the_account_the_withdrawal_comes_before_what_replaces_it() -> None:
    address, name = QUEUES["home/q1"][3], QUEUES["home/q1"][0]
    document, _ = sent(planned(a_document(), address))
    _, due = sent(planned(document, name))
    assert [(item.meaning, item.sequence) for item in sorted(due, key=lambda item: item.sequence)] == [
        (Meaning.SUPERSEDED, 2), (Meaning.CORRECTED, 3),
    ]  # fmt: skip


def test_a_receipt_of_an_earlier_mailroom_says_no_more_than_the_name() -> None:
    """It may be the queue of another account: so it is withdrawn from, and the address is told."""
    planned_first = planned(a_document(), QUEUES["paris/q1"][0])
    told = tuple(
        replace(item, state=DeliveryState.DELIVERED, receipt=Receipt(location="sqs://q1#message"))
        for item in planned_first.deliveries
    )
    _, due = sent(planned(replace(planned_first, deliveries=told), Target(url="sqs://q1")))
    assert [item.place for item in sorted(due, key=lambda item: item.sequence)] == [
        QUEUES["paris/q1"][0].url, "sqs://q1",
    ]  # fmt: skip


def test_an_object_at_an_endpoint_that_is_written_otherwise_is_not_delivered_again() -> None:
    first = planned(a_document(), Target(url="s3://mail/in/", options={"endpoint": STORE}))
    (item,) = first.deliveries
    receipt = Receipt(location=f"{STORE}/mail/in/x", checksum=f"sha256:{first.sha256}")
    lies = replace(first, deliveries=(replace(item, state=DeliveryState.DELIVERED, receipt=receipt),))
    after = planned(lies, Target(url="s3://mail/in/", options={"endpoint": f"{STORE}/"}))
    assert [(item.id, item.state) for item in after.deliveries] == [(item.id, DeliveryState.DELIVERED)]
    assert url_at(after.deliveries[0].place, "s3").startswith("s3://mail/in/")
