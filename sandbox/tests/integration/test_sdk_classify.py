"""Classify v2 through the vendor's SDK in strict mode."""

from typing import Any

import pytest
from llama_cloud import APIStatusError, BadRequestError, ConflictError, LlamaCloud, NotFoundError

from support.inbox import Inbox, until
from support.sample_documents import CONFIGURATION, CONTRACT, INVOICE, RULES
from support.switchboard import Switchboard


@pytest.fixture
def file_id(client: LlamaCloud) -> str:
    """An uploaded invoice."""
    return client.files.create(file=("letter.pdf", INVOICE), purpose="classify").id


def done(client: LlamaCloud, job_id: str) -> Any:
    """The job when it has ended."""
    until(lambda: client.classify.get(job_id).status in {"COMPLETED", "FAILED", "CANCELLED"})
    return client.classify.get(job_id)


def test_a_document_gets_the_type_of_the_rule_that_fits(client: LlamaCloud, file_id: str) -> None:
    job = client.classify.create(file_input=file_id, configuration={"rules": RULES, "mode": "FAST"})
    assert job.status in {"PENDING", "RUNNING", "COMPLETED"}
    finished = client.classify.wait_for_completion(job.id, polling_interval=0.05)
    assert finished.result is not None
    assert finished.result.type == "invoice"
    assert 0 < finished.result.confidence <= 1
    assert finished.result.reasoning
    assert (finished.file_input, finished.document_input_type) == (file_id, "file_id")


def test_no_rule_that_fits_is_a_null_type(client: LlamaCloud) -> None:
    file_id = client.files.create(file=("letter.pdf", CONTRACT), purpose="classify").id
    recipes: Any = {"rules": [{"type": "recipe", "description": "instructions for cooking a dish with ingredients"}]}
    job = client.classify.create(file_input=file_id, configuration=recipes)
    result = done(client, job.id).result
    assert result.type is None
    assert result.reasoning


def test_a_saved_preset_serves_as_configuration(client: LlamaCloud, file_id: str) -> None:
    parameters: dict[str, Any] = {"product_type": "classify_v2", "rules": RULES}
    preset = client.configurations.create(name="letters", parameters=parameters)  # type: ignore[arg-type]
    job = client.classify.create(file_input=file_id, configuration_id=preset.id)
    finished = done(client, job.id)
    assert finished.result.type == "invoice"
    assert finished.configuration_id == preset.id
    assert [rule.type for rule in finished.configuration.rules] == ["invoice", "contract"]
    assert [each.id for each in client.classify.list(configuration_id=preset.id)] == [job.id]


def test_the_deprecated_field_names_still_work(client: LlamaCloud, file_id: str) -> None:
    job = client.classify.create(file_id=file_id, configuration={"rules": RULES})
    assert job.file_input == file_id
    parse_job_id = done(client, job.id).parse_job_id
    again = client.classify.create(parse_job_id=parse_job_id, configuration={"rules": RULES})
    finished = done(client, again.id)
    assert (finished.document_input_type, finished.result.type) == ("parse_job_id", "invoice")


def test_usage_is_shown_when_asked_for_and_a_parse_job_costs_nothing_again(client: LlamaCloud, file_id: str) -> None:
    job = client.classify.create(file_input=file_id, configuration={"rules": RULES})
    parse_job_id = done(client, job.id).parse_job_id
    assert client.classify.get(job.id).usage is None
    usage = client.classify.get(job.id, expand=["usage"]).usage
    assert usage is not None
    assert (usage.credits, usage.parse_credits) == (1.0, 1.0)
    again = client.classify.create(file_input=parse_job_id, configuration={"rules": RULES})
    done(client, again.id)
    usage = client.classify.get(again.id, expand=["usage"]).usage
    assert usage is not None
    assert (usage.credits, usage.parse_credits) == (0.0, None)


def test_a_used_transaction_id_returns_the_job_and_sends_nothing(
    client: LlamaCloud, file_id: str, inbox: Inbox, switchboard: Switchboard
) -> None:
    hook: Any = inbox.hook(webhook_events=["classify.success"])
    asked: dict[str, Any] = {"transaction_id": "mailroom-1", "webhook_configurations": [hook]}
    first = client.classify.create(file_input=file_id, configuration={"rules": RULES}, **asked)
    inbox.wait(1)
    second = client.classify.create(file_input="dfl-another", configuration={"rules": RULES[:1]}, **asked)
    assert second.id == first.id
    assert len(second.configuration.rules) == 2
    assert len(switchboard.deliveries(job_id=first.id)) == 1


def test_a_list_is_filtered_and_walked_page_by_page(client: LlamaCloud, file_id: str) -> None:
    jobs = [client.classify.create(file_input=file_id, configuration={"rules": RULES}) for _ in range(5)]
    for job in jobs:
        done(client, job.id)
    newest_first = [job.id for job in reversed(jobs)]
    assert [each.id for each in client.classify.list(page_size=2)] == newest_first
    assert [each.id for each in client.classify.list(page_size=2, status="COMPLETED")] == newest_first
    assert list(client.classify.list(status="FAILED")) == []
    assert [each.id for each in client.classify.list(job_ids=[jobs[1].id, jobs[3].id])] == [jobs[3].id, jobs[1].id]
    since = jobs[3].created_at
    assert since is not None
    assert [each.id for each in client.classify.list(created_at_on_or_after=since)] == newest_first[:2]
    assert [each.id for each in client.classify.list(created_at_on_or_before=since)] == newest_first[1:]


def test_a_running_job_can_be_cancelled_and_then_deleted(
    client: LlamaCloud, file_id: str, switchboard: Switchboard, inbox: Inbox
) -> None:
    switchboard.set({"stuck_job": {"next": 1}})
    hooks: Any = [inbox.hook(webhook_events=["classify.cancelled"])]
    job = client.classify.create(file_input=file_id, configuration={"rules": RULES}, webhook_configurations=hooks)
    with pytest.raises(ConflictError):
        client.classify.delete(job.id)
    assert client.classify.cancel(job.id).status == "CANCELLED"
    assert inbox.wait(1)[0].kind == "classify.cancelled"
    assert client.classify.delete(job.id).id == job.id
    with pytest.raises(NotFoundError, match="Classify job not found"):
        client.classify.get(job.id)


def test_a_job_that_has_ended_is_not_cancelled_and_the_sdk_is_told_not_to_retry(
    client: LlamaCloud, file_id: str
) -> None:
    job = client.classify.create(file_input=file_id, configuration={"rules": RULES})
    done(client, job.id)
    with pytest.raises(ConflictError) as refused:
        client.classify.cancel(job.id)
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_a_file_that_cannot_be_read_fails_the_job_with_a_reason(client: LlamaCloud) -> None:
    file_id = client.files.create(file=("letter.pdf", b"%PDF-1.7 and then nothing"), purpose="classify").id
    finished = done(client, client.classify.create(file_input=file_id, configuration={"rules": RULES}).id)
    assert finished.status == "FAILED"
    assert "PDF" in finished.error_message
    assert finished.result is None


def test_an_unknown_file_is_refused_with_the_vendors_text(client: LlamaCloud) -> None:
    with pytest.raises(BadRequestError, match="File ID dfl-none is not in Project ID"):
        client.classify.create(file_input="dfl-none", configuration={"rules": RULES})
    with pytest.raises(BadRequestError, match="Parse Job ID pjb-none is not in Project ID"):
        client.classify.create(file_input="pjb-none", configuration={"rules": RULES})


def test_an_unknown_preset_is_refused_with_the_vendors_text(client: LlamaCloud, file_id: str) -> None:
    with pytest.raises(NotFoundError, match="Classify configuration cfg-none not found"):
        client.classify.create(file_input=file_id, configuration_id="cfg-none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"configuration": {"rules": []}},
        {"configuration": {"rules": [{"type": "invoice", "description": "short"}]}},
        {"configuration": {"rules": [RULES[0], RULES[0]]}},
        {"configuration": {"rules": [{"type": "in/voice", "description": "with a slash in its type"}]}},
        {"configuration": CONFIGURATION, "configuration_id": "cfg-1"},
        {"configuration": CONFIGURATION, "transaction_id": "x" * 256},
        {"configuration": CONFIGURATION, "webhook_configurations": [{"webhook_url": "no address"}]},
        {"configuration": CONFIGURATION, "webhook_configurations": [{"webhook_events": ["classify.exploded"]}]},
        {"configuration": CONFIGURATION, "webhook_configurations": [{"webhook_headers": {"a": "b\r\nc: d"}}]},
        {"configuration": CONFIGURATION, "webhook_configuration_ids": ["whc-1"] * 5},
        {"configuration": {**CONFIGURATION, "parsing_configuration": {"max_pages": 0}}},
        {"configuration": {**CONFIGURATION, "parsing_configuration": {"target_pages": "3-1"}}},
    ],
)
def test_a_body_outside_the_published_limits_is_a_422(client: LlamaCloud, file_id: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(APIStatusError) as refused:
        client.classify.create(file_input=file_id, **wrong)
    assert refused.value.status_code == 422
    assert isinstance(refused.value.body, dict)
    assert all({"loc", "msg", "type"} <= set(each) for each in refused.value.body["detail"])
