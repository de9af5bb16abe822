"""Answers as LlamaCloud gives them (field lists of reference 1.1 to 1.5), read into our records."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud import wire
from receiver.core.document import Classification
from receiver.core.errors import CloudBusy
from receiver.core.job import JobKind, JobReport, JobStatus, Segment

ANSWERS = Path(__file__).parent / "answers"


def report(name: str, kind: JobKind) -> JobReport:
    return wire.read_payload(wire.JobPayload, (ANSWERS / f"{name}.json").read_bytes(), asked="GET /job").report(kind)


def a_job(**fields: Any) -> JobReport:
    body = {"id": "cls-1", "status": "COMPLETED", **fields}
    return wire.read_payload(wire.JobPayload, json.dumps(body).encode(), asked="GET /job").report(JobKind.CLASSIFY)


def test_a_completed_classify_job_is_a_whole_report() -> None:
    assert report("classify_completed", JobKind.CLASSIFY) == JobReport(
        id="cls-0001",
        kind=JobKind.CLASSIFY,
        status=JobStatus.COMPLETED,
        file_id="dfl-0001",
        transaction_id="mailroom-classify-doc_a-1",
        created_at=1793611800.25,
        ended_at=1793611804.0,
        classification=Classification(type="invoice", confidence=0.93, reasoning="It has an invoice number."),
        credits=2.0,
        rules=frozenset(
            {
                ("contract", "an agreement between parties with signatures"),
                ("invoice", "contains an invoice number and a total amount due"),
            }
        ),
    )


def test_the_input_is_found_under_its_older_name_and_no_match_stays_none() -> None:
    job = report("classify_old_names", JobKind.CLASSIFY)

    assert job.file_id == "dfl-0002"
    assert job.classification == Classification(type=None, confidence=0.4, reasoning="Nothing fits.")


def test_a_failed_job_tells_the_vendors_reason_and_a_time_without_a_zone_is_utc() -> None:
    job = report("classify_failed", JobKind.CLASSIFY)

    assert (job.status, job.error, job.classification) == (JobStatus.FAILED, "The file could not be parsed.", None)
    assert job.created_at == 1793611800.0


def test_a_split_job_gives_its_segments_in_the_vendors_order() -> None:
    job = report("split_completed", JobKind.SPLIT)

    assert job.segments == (
        Segment(category="invoice", pages=(1, 2, 3, 4), confidence="high"),
        Segment(category="letter", pages=(5,), confidence="medium"),
        Segment(category="letter", pages=(6, 7), confidence="low"),
        Segment(category="uncategorized", pages=(8,), confidence=""),
    )
    assert (job.status, job.file_id, job.classification) == (JobStatus.COMPLETED, "dfl-0004", None)
    assert job.created_at == 1793610000.0


def test_the_beta_path_nests_the_input_and_says_processing() -> None:
    job = report("split_beta_processing", JobKind.SPLIT)

    assert (job.file_id, job.status, job.segments) == ("dfl-0005", JobStatus.RUNNING, ())


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", JobStatus.PENDING),
        ("RUNNING", JobStatus.RUNNING),
        ("processing", JobStatus.RUNNING),
        ("completed", JobStatus.COMPLETED),
        ("CANCELLED", JobStatus.CANCELLED),
        ("THROTTLED", JobStatus.RUNNING),  # a word we do not know is not an end
    ],
)
def test_status_words_of_both_products_become_ours(word: str, status: JobStatus) -> None:
    assert a_job(status=word).status is status


def test_a_completed_job_whose_result_is_not_there_yet_is_not_a_no_match() -> None:
    assert a_job(result=None).classification is None
    assert a_job(result={}).classification is None
    assert a_job().classification is None


def test_an_empty_type_is_no_type() -> None:
    found = a_job(result={"type": "", "confidence": 1}).classification
    assert found == Classification(type=None, confidence=1.0)


@given(st.one_of(st.none(), st.floats(), st.integers(), st.text(), st.booleans()))
def test_a_confidence_is_always_between_0_and_1(confidence: float | None) -> None:
    body = f'{{"type": "invoice", "confidence": {json.dumps(confidence)}}}'.encode()
    found = wire.read_payload(wire.ResultPayload, body, asked="GET /job").classification()

    assert found is not None
    assert 0.0 <= found.confidence <= 1.0


@pytest.mark.parametrize("said", ["5", "-0.01", "1.0000001", "1e400", "NaN", "true", '"0.99"', "[1]", '{"a": 1}'])
def test_a_confidence_that_is_none_is_doubt_and_the_reasoning_says_so(said: str) -> None:
    body = f'{{"type": "invoice", "confidence": {said}, "reasoning": "It has a total."}}'.encode()
    found = wire.read_payload(wire.ResultPayload, body, asked="GET /job").classification()
    assert found is not None
    assert found.confidence == 0.0
    assert found.reasoning.startswith("The reported confidence, ")
    assert found.reasoning.endswith(" is not between 0 and 1: it counts as 0. It has a total.")


@pytest.mark.parametrize("said", ["0", "1", "0.5", "1.0", "0.0"])
def test_a_confidence_within_0_and_1_stays_what_it_is(said: str) -> None:
    found = wire.read_payload(
        wire.ResultPayload, f'{{"confidence": {said}}}'.encode(), asked="GET /job"
    ).classification()
    assert found == Classification(type=None, confidence=float(said))


def test_a_file_becomes_a_record() -> None:
    file = wire.read_payload(wire.FilePayload, (ANSWERS / "file.json").read_bytes(), asked="GET /file").record()

    assert (file.id, file.name, file.external_id) == ("dfl-0001", "letter.pdf", "doc_a")
    assert file.expires_at == 1793784600.0


def test_a_file_needs_nothing_but_its_id() -> None:
    file = wire.read_payload(
        wire.FilePayload, b'{"id": "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e"}', asked="GET /file"
    ).record()
    assert (file.id, file.expires_at, file.external_id) == ("182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e", None, "")


def test_a_saved_webhook_configuration_keeps_its_headers_out_of_its_repr() -> None:
    saved = wire.read_payload(wire.WebhookPayload, (ANSWERS / "webhook_config.json").read_bytes(), asked="GET /configs")

    assert saved.webhook_headers == {"X-Mailroom-Key": "in-clear"}
    assert saved.webhook_events is None
    assert "in-clear" not in repr(saved)


@pytest.mark.parametrize("body", [b"", b"<html>gateway</html>", b'{"id": "cls-1"}', b'{"id": "cls-1", "sta', b"[]"])
def test_an_answer_that_cannot_be_read_is_worth_another_try(body: bytes) -> None:
    with pytest.raises(CloudBusy, match="GET /job cannot be read"):
        wire.read_payload(wire.JobPayload, body, asked="GET /job")


def test_an_unreadable_answer_is_never_shown() -> None:
    body = json.dumps({"id": "whc-1", "webhook_headers": {"X-Key": ["s3cr3t-value"]}}).encode()
    with pytest.raises(CloudBusy) as caught:
        wire.read_payload(wire.WebhookPayload, body, asked="GET /configs")

    assert "s3cr3t-value" not in str(caught.value)
    assert "s3cr3t-value" not in str(caught.value.__cause__)


@given(st.floats(min_value=0, max_value=4_000_000_000, allow_nan=False))
def test_a_moment_survives_the_way_there_and_back(at: float) -> None:
    body = json.dumps({"id": "cls-1", "status": "PENDING", "created_at": wire.iso(at)}).encode()
    there = wire.read_payload(wire.JobPayload, body, asked="GET /job").report(JobKind.CLASSIFY).created_at

    assert there == pytest.approx(at, abs=1e-6)


@given(st.sampled_from(["x", "é", "\U0001f4ec"]), st.integers(0, 30_000))
def test_no_text_of_an_answer_is_longer_than_a_record_can_hold(letter: str, length: int) -> None:
    text = letter * length
    job = a_job(error_message=text, result={"type": text, "confidence": 0.9, "reasoning": text})
    file = wire.read_payload(
        wire.FilePayload, json.dumps({"id": "f", "name": text}).encode(), asked="GET /file"
    ).record()
    assert job.classification is not None
    for said, most in (
        (job.error, 20_000),
        (job.classification.reasoning, 20_000),
        (job.classification.type or "", 255),
        (file.name, 1000),
    ):
        assert said == (text if length <= most else f"{text[: most - 1]}…")


@pytest.mark.parametrize("kind", [JobKind.CLASSIFY, JobKind.SPLIT])
@pytest.mark.parametrize(
    "news", [{"warnings": ["ambiguous"]}, {"advisories": {"a": [1]}}, {"boundary": "start"}, {"x": None}]
)
def test_what_a_later_release_adds_is_left_alone(kind: JobKind, news: dict[str, object]) -> None:
    segment = {"category": "invoice", "pages": [1], "confidence_category": "high"}
    found = {"type": "invoice", "confidence": 0.9, "segments": [segment | news]} | news
    job = {"id": "j-1", "status": "COMPLETED", "project_id": "p", "result": found} | news
    plain = {**job, "result": {"type": "invoice", "confidence": 0.9, "segments": [segment]}}
    read = [wire.JobPayload.model_validate_json(json.dumps(item)).report(kind) for item in (job, plain)]
    assert read[0] == read[1]


@pytest.mark.parametrize(
    "usage",
    [
        "{}",
        "[]",
        "3",
        '"x"',
        *(f'{{"credits": {value}}}' for value in ("null", "NaN", "Infinity", "-Infinity", "1e999")),
    ]
    + [
        f'{{"credits": {value}}}'
        for value in ("-5", "true", '"abc"', '"NaN"', "[1]", '{"total": 3}', "1e300", "9" * 400)
    ],
)
def test_a_price_that_is_none_is_no_price_and_the_result_is_read_all_the_same(usage: str) -> None:
    body = f'{{"id": "j", "status": "COMPLETED", "result": {{"type": "a", "confidence": 1}}, "usage": {usage}}}'
    job = wire.read_payload(wire.JobPayload, body.encode(), asked="GET /job").report(JobKind.CLASSIFY)
    assert job.credits is None
    assert job.classification == Classification(type="a", confidence=1.0, reasoning="")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_credits_are_a_number_that_a_record_holds_or_unknown(value: Any) -> None:
    found = a_job(usage={"credits": value}).credits
    assert found is None or 0 <= found <= wire.MOST_CREDITS
