"""Split through the vendor's SDK in strict mode, on the current path and on the beta one."""

from typing import Any

import httpx
import pytest
from llama_cloud import BadRequestError, ConflictError, LlamaCloud, NotFoundError, UnprocessableEntityError

from support.inbox import Inbox, until
from support.sample_documents import CATEGORIES, CONFIGURATION, INVOICE, PACKET
from support.switchboard import Switchboard

SPLIT: Any = {"categories": CATEGORIES, "splitting_strategy": {"allow_uncategorized": "include"}}


@pytest.fixture
def file_id(client: LlamaCloud) -> str:
    """An uploaded packet: an invoice, then a contract."""
    return client.files.create(file=("packet.pdf", PACKET), purpose="split").id


def done(client: LlamaCloud, job_id: str) -> Any:
    """The job when it has ended."""
    until(lambda: client.split.get(job_id).status in {"completed", "failed", "cancelled"})
    return client.split.get(job_id)


def segments(job: Any) -> list[tuple[str, list[int]]]:
    """Category and pages of each segment."""
    return [(each.category, each.pages) for each in job.result.segments]


TWO_LETTERS = [("invoice", [1]), ("contract", [2])]


def test_a_packet_is_cut_into_its_letters(client: LlamaCloud, file_id: str, inbox: Inbox) -> None:
    job = client.split.create(file_input=file_id, configuration=SPLIT, webhook_configurations=[inbox.hook()])  # type: ignore[list-item]
    assert job.id.startswith("spl-")
    finished = done(client, job.id)
    assert segments(finished) == TWO_LETTERS
    assert all(each.confidence_category in {"high", "medium", "low"} for each in finished.result.segments)
    assert [letter.kind for letter in inbox.wait(3)] == ["split.pending", "split.processing", "split.success"]


def test_the_beta_path_takes_a_nested_configuration_and_shows_a_nested_input(client: LlamaCloud, file_id: str) -> None:
    job = client.beta.split.create(document_input={"type": "file_id", "value": file_id}, configuration=SPLIT)
    finished = client.beta.split.wait_for_completion(job.id, polling_interval=0.05)
    assert segments(finished) == TWO_LETTERS
    assert (finished.document_input.type, finished.document_input.value) == ("file_id", file_id)
    assert [each.id for each in client.beta.split.list()] == [job.id]


@pytest.mark.parametrize(("given", "meant"), [(True, "include"), (False, "forbid"), ("omit", "omit")])
def test_the_beta_path_takes_the_flat_fields_of_sdk_1_and_its_boolean(
    http: httpx.Client, client: LlamaCloud, file_id: str, given: object, meant: str
) -> None:
    body = {
        "document_input": {"type": "file_id", "value": file_id},
        "categories": CATEGORIES,
        "splitting_strategy": {"allow_uncategorized": given},
    }
    answer = http.post("/api/v1/beta/split/jobs", json=body)
    assert answer.status_code == 201
    finished = done(client, answer.json()["id"])
    assert segments(finished) == TWO_LETTERS
    assert finished.splitting_strategy.allow_uncategorized == meant


def test_a_preset_a_transaction_id_and_a_list_work_as_for_classify(client: LlamaCloud, file_id: str) -> None:
    parameters: Any = {"product_type": "split_v1", **SPLIT}
    preset = client.configurations.create(name="packets", parameters=parameters)
    asked: Any = {"file_input": file_id, "configuration_id": preset.id, "transaction_id": "mailroom-1"}
    job = client.split.create(**asked)
    assert client.split.create(**asked).id == job.id
    done(client, job.id)
    assert [each.id for each in client.split.list(status="completed", page_size=1)] == [job.id]


def test_target_pages_need_a_parse_job_and_keep_the_page_numbers(client: LlamaCloud, file_id: str) -> None:
    only_second: Any = {**SPLIT, "target_pages": "2"}
    with pytest.raises(BadRequestError, match="parse job"):
        client.split.create(file_input=file_id, configuration=only_second)
    classified = client.classify.create(file_input=file_id, configuration=CONFIGURATION)
    until(lambda: client.classify.get(classified.id).status == "COMPLETED")
    parse_job_id = client.classify.get(classified.id).parse_job_id
    assert parse_job_id is not None
    finished = done(client, client.split.create(file_input=parse_job_id, configuration=only_second).id)
    assert segments(finished) == [("contract", [2])]
    backwards: Any = {**SPLIT, "target_pages": "2,1"}
    assert segments(done(client, client.split.create(file_input=parse_job_id, configuration=backwards).id)) == [
        ("contract", [2]),
        ("invoice", [1]),
    ]  # in the order written: release notes of SDK 2.17.0


@pytest.mark.parametrize("names", [["uncategorized"], [" Uncategorized "], ["letter", "Letter"], ["letter", "letter "]])
def test_ambiguous_category_names_are_refused(client: LlamaCloud, file_id: str, names: list[str]) -> None:
    ambiguous: Any = {"categories": [{"name": name} for name in names]}
    with pytest.raises(UnprocessableEntityError, match="category name"):
        client.split.create(file_input=file_id, configuration=ambiguous)
    assert not client.split.list().items


def test_a_running_job_is_cancelled_before_it_is_deleted(
    client: LlamaCloud, file_id: str, switchboard: Switchboard
) -> None:
    switchboard.set({"stuck_job": {"next": 1}})
    job = client.split.create(file_input=file_id, configuration=SPLIT)
    with pytest.raises(ConflictError):
        client.split.delete(job.id)
    assert client.split.cancel(job.id).status == "cancelled"
    client.split.delete(job.id)
    with pytest.raises(NotFoundError, match="Split job not found"):
        client.split.get(job.id)


def test_refusals_carry_the_vendors_texts(client: LlamaCloud, file_id: str) -> None:
    with pytest.raises(NotFoundError, match="File dfl-none not found in project"):
        client.split.create(file_input="dfl-none", configuration=SPLIT)
    with pytest.raises(BadRequestError, match="Only file_id document inputs are supported for split jobs"):
        client.beta.split.create(document_input={"type": "url", "value": file_id}, configuration=SPLIT)
    picture = client.files.create(file=("letter.xyz", INVOICE), purpose="split").id
    with pytest.raises(BadRequestError, match=r"Unsupported file type: \.xyz"):
        client.split.create(file_input=picture, configuration=SPLIT)
    with pytest.raises(NotFoundError, match="Split configuration cfg-none not found"):
        client.split.create(file_input=file_id, configuration_id="cfg-none")
