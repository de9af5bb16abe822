"""The contract suites of destinations, store and task queue, and one run of the main job, on moto.

What moto does otherwise than AWS is left out below, by name and with the reason (``None`` takes a test out of a suite).
What ministack does otherwise: it ignores the condition of CopyObject, and knows event buses by name alone.
"""

from contextlib import nullcontext

from benchmarks.aws_counts import counted
from handlers.demo.local_aws import LocalAws
from tests.integration import test_destinations as destinations
from tests.integration import test_dynamodb_store as stores
from tests.integration import test_task_queues as queues
from tests.integration.test_dynamodb_store import clock, store, table  # noqa: F401 - fixtures
from tests.integration.test_task_queues import open_queue, queue_name  # noqa: F401 - fixtures

pytestmark = stores.pytestmark


class TestS3(destinations.TestS3):
    pass


class TestStandardQueue(destinations.TestStandardQueue):
    pass


class TestFifoQueue(destinations.TestFifoQueue):
    # moto drops the repeated message as AWS does, and answers with an id that no message has.
    test_a_crash_between_send_and_record_is_one_effect = None  # type: ignore[assignment]


class TestTopic(destinations.TestTopic):
    # moto never counts confirmed subscriptions.
    test_a_place_that_is_there_passes_the_probe = None  # type: ignore[assignment]


class TestFifoTopic(destinations.TestFifoTopic):
    # As of the FIFO queue, and of the topic.
    test_a_crash_between_send_and_record_is_one_effect = None  # type: ignore[assignment]
    test_a_place_that_is_there_passes_the_probe = None  # type: ignore[assignment]


class TestBus(destinations.TestBus):
    pass


class TestStateMachine(destinations.TestStateMachine):
    pass


class TestDynamoStore(stores.TestDynamoStore):
    # moto judges conditions and writes in two steps: of requests at the same time two may succeed.
    test_a_conflict_among_many_changes_is_that_callers_alone = None  # type: ignore[assignment]
    test_changes_that_are_given_together_are_done_each_by_itself = None  # type: ignore[assignment]
    test_counting_up_by_read_and_update_loses_nothing = None  # type: ignore[assignment]
    test_events_that_are_given_together_are_kept_once_each = None  # type: ignore[assignment]
    test_of_a_hundred_inserts_of_one_id_exactly_one_succeeds = None  # type: ignore[assignment]
    test_of_many_updates_of_one_version_exactly_one_succeeds = None  # type: ignore[assignment]
    test_no_task_is_given_to_two_owners = None  # type: ignore[assignment]
    # It is about load, which says nothing about moto but that it is slow.
    test_what_waits_for_one_partner_costs_the_others_nothing = None  # type: ignore[assignment]


class TestTaskQueue(queues.TestSqsQueue):
    pass


def test_a_document_goes_from_the_inbox_to_a_bucket_and_a_queue(local_aws: LocalAws) -> None:
    counts = counted(1, open_aws=lambda: nullcontext(local_aws))
    assert dict(counts.invocations) == {"intake": 1, "process": 2, "receive": 1}
