"""One submission is one job of ours: whatever crashed, changed, or asks beside us on the same LlamaCloud project."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.core.change import Insert, Replace
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import CloudBusy
from receiver.core.flag import Flag
from receiver.core.job import JobKind, JobReport, JobRequest, JobStatus, rules_in
from receiver.core.submission import is_submission_of
from receiver.core.task import submission_of
from receiver.pipeline.installation import installation
from receiver.store.codec import decode, encode
from receiver.store.memory import MemoryStore
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio

CHANGED = TABLE.replace("an invoice with a number and a total", "anything that asks for money at all")


async def test_an_installation_makes_its_id_once(app: InMemoryApp) -> None:
    made = await installation(app.context)
    assert (len(made), await installation(app.context)) == (16, made)
    assert (await app.store.get(Flag, "installation") or made) != made


async def test_two_processes_that_start_together_are_one_installation(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = MemoryStore.apply

    async def late(store: MemoryStore, *writes: Insert) -> None:
        monkeypatch.setattr(MemoryStore, "apply", apply)
        await store.apply(Insert(Flag(id="installation", value="a" * 16, at=0)))
        await store.apply(*writes)

    monkeypatch.setattr(MemoryStore, "apply", late)
    assert await installation(app.context) == "a" * 16


async def test_the_id_is_on_the_document_before_llamacloud_is_asked(app: InMemoryApp) -> None:
    taken = await app.ingest()
    seen: list[tuple[str, ...]] = []
    create = app.cloud.create

    async def asked(order: JobRequest) -> JobReport:
        seen.append((await app.document(taken.document.id)).transactions)
        return await create(order)

    app.cloud.create = asked  # type: ignore[method-assign]
    await app.work()
    assert seen == [(app.cloud.orders[0].transaction_id,)]


async def test_a_retry_after_the_rules_changed_asks_under_the_id_that_is_written_down(app: InMemoryApp) -> None:
    taken = await app.ingest()
    create = app.cloud.create

    async def lost(order: JobRequest) -> JobReport:
        await create(order)
        raise CloudBusy("the answer was lost")

    app.cloud.create = lost  # type: ignore[method-assign]
    await app.work()
    app.cloud.create = create  # type: ignore[method-assign]
    app.use(CHANGED)
    app.later(5)
    await app.work()
    document = await app.document(taken.document.id)
    assert (document.step, document.submissions, document.job_id) == (Step.SUBMITTED, 0, "job-1")
    assert {order.transaction_id for order in app.cloud.orders} == {*document.transactions}
    assert len(document.transactions) == 1


async def test_a_resubmission_takes_the_rules_of_today_under_an_id_of_its_own(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.use(CHANGED)
    app.cloud.finish(document.job_id, JobStatus.CANCELLED)
    await app.event(document.job_id, "classify.cancelled")
    await app.work()
    document = await app.document(document.id)
    first, second = document.transactions
    assert (document.submissions, document.job_id) == (1, "job-2")
    assert first.rpartition("-")[2] != second.rpartition("-")[2]
    assert all(is_submission_of(document, item) for item in (first, second))


async def test_two_installations_on_one_project_share_neither_file_nor_job(app: InMemoryApp, tmp_path: Path) -> None:
    other = InMemoryApp(tmp_path)
    other.cloud = app.cloud
    other.context = replace(other.context, cloud=app.cloud, spool=app.context.spool)
    ours, theirs = await app.submitted(), await other.submitted()
    assert ours.id == theirs.id
    assert ours.job_id != theirs.job_id
    assert ours.file_id != theirs.file_id
    assert not is_submission_of(ours, theirs.transactions[0])


async def test_a_fresh_store_on_the_same_project_is_not_given_the_verdict_of_old_rules(
    app: InMemoryApp, tmp_path: Path
) -> None:
    await app.routed("invoice")
    fresh = InMemoryApp(tmp_path, CHANGED)
    fresh.cloud = app.cloud
    fresh.context = replace(fresh.context, cloud=app.cloud)
    document = await fresh.submitted()
    assert fresh.cloud.reports[document.job_id].rules == rules_in(fresh.context.config.classify_configuration())


async def a_document_from_before(app: InMemoryApp, **fields: object) -> str:
    """As the release before installations had ids left it: taken in, and perhaps submitted by a process that died."""
    taken = await app.ingest()
    before = replace(await app.document(taken.document.id), installation="", **fields)  # type: ignore[arg-type]
    await app.store.apply(Replace(before))
    return before.id


async def test_a_submission_of_the_earlier_release_is_found_again(app: InMemoryApp) -> None:
    identity = await a_document_from_before(app)
    file = await app.cloud.upload(
        await app.context.content(await app.document(identity)),
        name="letter.pdf",
        external_id=f"mailroom-{identity}",
        purpose="classify",
    )
    order = JobRequest(
        kind=JobKind.CLASSIFY,
        file_id=file.id,
        configuration=app.context.config.classify_configuration(),
        transaction_id=f"mailroom-classify-{identity}-0",
    )
    job = await app.cloud.create(order)
    await app.work()
    document = await app.document(identity)
    assert (document.job_id, document.file_id, len(app.cloud.uploads)) == (job.id, file.id, 1)
    assert is_submission_of(document, order.transaction_id)


async def test_a_job_by_other_rules_under_an_id_of_the_earlier_form_is_not_believed(app: InMemoryApp) -> None:
    identity = await a_document_from_before(app)
    await app.cloud.create(
        JobRequest(
            kind=JobKind.CLASSIFY,
            file_id="dfl-0",
            configuration={"rules": [{"type": "invoice", "description": "what they called an invoice"}]},
            transaction_id=f"mailroom-classify-{identity}-0",
        )
    )
    await app.work()
    document = await app.document(identity)
    assert (document.submissions, document.job_id) == (1, "job-2")
    assert "job-1 of an earlier request" in document.history[-2].detail


async def test_what_cannot_be_submitted_anew_waits_with_the_reason_and_an_alert(app: InMemoryApp) -> None:
    identity = await a_document_from_before(app, submissions=9)
    await app.store.apply(Insert(submission_of(await app.document(identity), now=app.now)))
    old = {"rules": [{"type": "invoice", "description": "what they called an invoice"}]}
    for number in (0, 9):
        name = f"mailroom-classify-{identity}-{number}"
        await app.cloud.create(JobRequest(kind=JobKind.CLASSIFY, file_id="f", configuration=old, transaction_id=name))
    await app.work()
    document = await app.document(identity)
    assert document.state is DocumentState.REVIEW
    assert "earlier request" in document.error
    assert [alert.kind for alert, _ in app.channel.told] == ["job.failed"]


async def test_an_earlier_job_by_other_rules_is_noticed_whatever_the_id_says(app: InMemoryApp) -> None:
    create = app.cloud.create

    async def earlier(order: JobRequest) -> JobReport:
        return replace(await create(order), created_at=app.now - 3600, rules=frozenset({("invoice", "theirs")}))

    app.cloud.create = earlier  # type: ignore[method-assign]
    document = await app.submitted()
    assert (document.state, document.submissions) == (DocumentState.REVIEW, 1)


async def test_a_job_that_has_ended_already_is_asked_for_at_once(app: InMemoryApp) -> None:
    """No event will come for it: LlamaCloud sent it when the job ended."""
    create = app.cloud.create

    async def ended(order: JobRequest) -> JobReport:
        return replace(await create(order), status=JobStatus.COMPLETED)

    app.cloud.create = ended  # type: ignore[method-assign]
    document = await app.submitted()
    (job,) = await app.jobs(document)
    assert job.overdue_at == app.now


@pytest.mark.parametrize(
    "said",
    [None, "rules", 7, [], {}, {"rules": "all"}, {"rules": [1, None]}, {"rules": {"type": "x"}}],
)
def test_an_answer_of_another_shape_says_no_rules(said: object) -> None:
    found = rules_in(said if isinstance(said, dict) else {})
    assert found == frozenset()


def test_white_space_makes_no_other_rule() -> None:
    assert rules_in({"rules": [{"type": "a", "description": " b\n c "}]}) == rules_in(
        {"rules": [{"type": "a", "description": "b c"}]}
    )


def test_a_document_that_the_earlier_release_stored_opens() -> None:
    stored = json.loads(encode(a_document(id="doc_a")))
    del stored["installation"], stored["transactions"]
    document = decode(Document, json.dumps(stored))
    assert is_submission_of(document, "mailroom-classify-doc_a-0")
