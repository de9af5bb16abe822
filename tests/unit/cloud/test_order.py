"""Request bodies as LlamaCloud takes them (reference 1.2, 1.4, 1.5)."""

from dataclasses import replace
from typing import Any

import pytest

from receiver.cloud import order as orders
from receiver.core.errors import Misconfigured, NotAllowed
from receiver.core.job import JobKind, JobRequest, JobStatus, WebhookConfiguration

RULES = {"rules": [{"type": "invoice", "description": "contains an invoice number"}], "mode": "FAST"}
CATEGORIES = {"categories": [{"name": "invoice", "description": "a bill"}]}
REGISTRATION = WebhookConfiguration(
    url="https://mailroom.example/webhooks/llamacloud",
    headers={"X-Mailroom-Key": "k1", "X-Mailroom-Token": "t1"},
    signing_secret="whsec_1",
    events=("classify.success", "classify.error"),
)


def an_order(kind: JobKind, **fields: Any) -> JobRequest:
    given: dict[str, Any] = {"file_id": "dfl-1", "transaction_id": "mailroom-1", "registration": REGISTRATION}
    return JobRequest(
        kind=kind, **{**given, "configuration": RULES if kind is JobKind.CLASSIFY else CATEGORIES, **fields}
    )


def test_a_classify_job_carries_its_own_webhook_configuration() -> None:
    assert orders.job_body(an_order(JobKind.CLASSIFY)) == {
        "file_input": "dfl-1",
        "configuration": RULES,
        "transaction_id": "mailroom-1",
        "webhook_configurations": [
            {
                "webhook_url": "https://mailroom.example/webhooks/llamacloud",
                "webhook_headers": {"X-Mailroom-Key": "k1", "X-Mailroom-Token": "t1"},
                "webhook_events": ["classify.success", "classify.error"],
                "webhook_output_format": "json",
                "webhook_signing_secret": "whsec_1",
            }
        ],
    }


def test_a_saved_preset_takes_the_place_of_a_configuration() -> None:
    order = JobRequest(
        kind=JobKind.CLASSIFY, file_id="dfl-1", configuration={"configuration_id": "cfg-1"}, transaction_id="t1"
    )
    assert orders.job_body(order) == {"file_input": "dfl-1", "configuration_id": "cfg-1", "transaction_id": "t1"}


def test_without_a_registration_no_webhook_is_asked_for() -> None:
    assert "webhook_configurations" not in orders.job_body(an_order(JobKind.CLASSIFY, registration=None))


def test_a_registration_without_secret_or_events_leaves_them_out() -> None:
    bare = orders.webhook_body(replace(REGISTRATION, signing_secret="", events=(), headers={}))
    assert bare == {"webhook_url": REGISTRATION.url, "webhook_output_format": "json"}


def test_a_split_job_always_says_what_happens_to_uncategorized_pages() -> None:
    body = orders.job_body(an_order(JobKind.SPLIT))

    assert body["configuration"]["splitting_strategy"] == {"allow_uncategorized": "include"}
    assert body["configuration"]["categories"] == CATEGORIES["categories"]
    assert body["file_input"] == "dfl-1"
    assert body["webhook_configurations"][0]["webhook_url"] == REGISTRATION.url


def test_a_chosen_handling_of_uncategorized_pages_is_kept_with_its_neighbours() -> None:
    strategy = {"allow_uncategorized": "omit", "min_pages_per_split": 2}
    body = orders.job_body(an_order(JobKind.SPLIT, configuration={**CATEGORIES, "splitting_strategy": strategy}))

    assert body["configuration"]["splitting_strategy"] == strategy


def test_the_beta_path_nests_input_and_configuration_and_knows_no_webhooks() -> None:
    order = an_order(JobKind.SPLIT, beta=True)

    assert orders.job_path(order.kind, beta=True) == "/api/v1/beta/split/jobs"
    assert orders.job_body(order) == {
        "document_input": {"type": "file_id", "value": "dfl-1"},
        "configuration": {**CATEGORIES, "splitting_strategy": {"allow_uncategorized": "include"}},
    }


def test_a_kind_of_job_has_no_path_unless_it_is_known() -> None:
    with pytest.raises(Misconfigured, match="it is not known where LlamaCloud has extract jobs"):
        orders.job_path(JobKind("extract"))


def test_the_order_that_was_given_is_not_changed() -> None:
    order = an_order(JobKind.SPLIT)
    orders.job_body(order)["configuration"]["splitting_strategy"]["allow_uncategorized"] = "omit"

    assert orders.job_body(order)["configuration"]["splitting_strategy"] == {"allow_uncategorized": "include"}


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (JobKind.CLASSIFY, JobStatus.RUNNING, "RUNNING"),
        (JobKind.CLASSIFY, JobStatus.COMPLETED, "COMPLETED"),
        (JobKind.SPLIT, JobStatus.RUNNING, "processing"),
        (JobKind.SPLIT, JobStatus.COMPLETED, "completed"),
    ],
)
def test_lists_are_asked_in_the_words_of_each_product(kind: JobKind, status: JobStatus, word: str) -> None:
    assert orders.status_word(kind, status) == word


def test_jobs_that_are_gone_cannot_be_listed() -> None:
    with pytest.raises(NotAllowed):
        orders.status_word(JobKind.SPLIT, JobStatus.GONE)


def test_secrets_of_a_registration_are_known_so_that_messages_can_hide_them() -> None:
    assert set(orders.secrets(REGISTRATION)) == {"k1", "t1", "whsec_1"}
    assert orders.secrets(None) == ()
    assert "whsec_1" not in repr(REGISTRATION)
