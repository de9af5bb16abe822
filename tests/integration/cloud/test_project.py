"""LlamaCloud's project and organization: on every call, and held against what LlamaCloud answers."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamacloud_sandbox.api import own_project
from llamacloud_sandbox.routes.projects import ORGANIZATION_ID
from receiver.bootstrap import open_cloud
from receiver.cloud.client import LlamaCloud
from receiver.cloud.project import ProjectScope
from receiver.cloud.webhook_configs import WebhookConfigs
from receiver.cloud.wire import ProjectPayload
from receiver.core.errors import FileGone, JobGone, Misconfigured, SettingsRefused
from receiver.core.job import JobKind, WebhookConfiguration
from receiver.read_settings import from_environ
from tests.integration.cloud.faulty import Faulty
from tests.integration.cloud.pdf_fixtures import INVOICE, an_order, content, pdf
from tests.integration.cloud.scripted import Answer
from tests.recording_proxy import RecordingProxy, recording_proxy

pytestmark = pytest.mark.anyio

OURS, ANOTHER = "11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222"
ORGANIZATION = "33333333-cccc-4ccc-8ccc-333333333333"
SCOPE = ProjectScope(project_id=OURS, organization_id=ORGANIZATION)
LOCAL = {"clock_ahead", "renew", "close", "webhook_configs"}
"""What of the client asks nobody."""


@pytest.fixture
def recorded(sandbox_url: str) -> Iterator[tuple[str, RecordingProxy]]:
    with recording_proxy(sandbox_url) as found:
        yield found


@pytest.fixture
async def through_it(
    recorded: tuple[str, RecordingProxy], key: str, anyio_backend: str
) -> AsyncIterator[tuple[LlamaCloud, RecordingProxy]]:
    """The client as the settings make it, and what it asks."""
    url, proxy = recorded
    given = {"LLAMA_CLOUD_PROJECT_ID": own_project(key), "LLAMA_CLOUD_ORGANIZATION_ID": ORGANIZATION_ID}
    cloud = open_cloud(from_environ({"LLAMA_CLOUD_API_KEY": key, "LLAMA_CLOUD_BASE_URL": url, **given}))
    yield cloud, proxy
    await cloud.close()


async def every_call(cloud: LlamaCloud) -> set[str]:
    """Calls each public method that asks LlamaCloud; which they were."""
    data = content(pdf(INVOICE))
    await cloud.check_key()
    file = await cloud.upload(data, name="a.pdf", external_id="doc_a", purpose="classify")
    assert await cloud.find_file("doc_a", sha256=data.sha256)
    await cloud.file(file.id)
    assert [chunk async for chunk in cloud.read_file(file.id)]
    for kind, beta in ((JobKind.CLASSIFY, False), (JobKind.SPLIT, False), (JobKind.SPLIT, True)):
        job = await cloud.create(an_order(file.id, kind, beta=beta))
        await cloud.job(kind, job.id, beta=beta)
        assert [found.id async for found in cloud.jobs(kind, since=0, until=4e9, beta=beta)]
        await cloud.cancel(kind, job.id)
    terms = WebhookConfiguration(url="https://mail.example.com/webhooks/llamacloud", events=("classify.success",))
    saved = await cloud.webhook_configs.create(terms)
    await cloud.webhook_configs.update(saved.id, terms)
    assert await cloud.webhook_configs.list()
    await cloud.webhook_configs.delete(saved.id)
    called = {"check_key", "upload", "find_file", "file", "read_file", "create", "job", "jobs", "cancel"}
    return called | {
        "webhook_configs.create",
        "webhook_configs.update",
        "webhook_configs.list",
        "webhook_configs.delete",
    }


async def test_every_call_carries_project_and_organization(
    through_it: tuple[LlamaCloud, RecordingProxy], key: str
) -> None:
    cloud, proxy = through_it
    called = await every_call(cloud)
    offered = {name for name, _ in inspect.getmembers(LlamaCloud) if not name.startswith("_")} - LOCAL
    saved = {f"webhook_configs.{name}" for name, _ in inspect.getmembers(WebhookConfigs) if not name.startswith("_")}
    assert called == offered | saved  # nothing that asks LlamaCloud was left out

    both = {"project_id": own_project(key), "organization_id": ORGANIZATION_ID}
    for request in proxy.requests:
        query = {name: value for name, value in request.query.items() if name in both}
        if request.path.startswith("/content/"):
            assert (query, request.key) == ({}, "")  # a presigned link gets neither these nor the key
        elif request.path == "/api/v1/projects":
            assert query == {"organization_id": ORGANIZATION_ID}
        else:
            assert query == both, f"{request.method} {request.path}"
    assert all(request.status < 300 for request in proxy.requests if not request.path.endswith("/cancel"))


async def test_without_settings_nothing_is_sent(recorded: tuple[str, RecordingProxy], key: str) -> None:
    url, proxy = recorded
    cloud = open_cloud(from_environ({"LLAMA_CLOUD_API_KEY": key, "LLAMA_CLOUD_BASE_URL": url}))
    await cloud.check_key()
    await cloud.close()
    assert [request.query for request in proxy.requests] == [{}]


@pytest.mark.parametrize("variable", ["LLAMA_CLOUD_PROJECT_ID", "LLAMA_CLOUD_ORGANIZATION_ID"])
@pytest.mark.parametrize("value", ["a project", "a/b", "..", "x" * 256, "p?q", "https://cloud.example/p"])
def test_what_cannot_be_an_id_is_refused_at_start(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=variable) as caught:
        from_environ({variable: value})
    assert "not an id as LlamaCloud shows it" in str(caught.value)


def job_of(project: str, **fields: Any) -> dict[str, Any]:
    return {"id": "cls-1", "status": "COMPLETED", "project_id": project, "file_input": "dfl-1", **fields}


def file_of(project: str, **fields: Any) -> dict[str, Any]:
    return {"id": "dfl-1", "name": "a.pdf", "project_id": project, "external_file_id": "doc_a", **fields}


async def test_a_job_of_another_project_is_nobodys(faulty: Faulty) -> None:
    async with faulty.client(Answer(200, job_of(ANOTHER)), scope=SCOPE) as (cloud, *_):
        with pytest.raises(JobGone, match="another LlamaCloud project"):
            await cloud.job(JobKind.CLASSIFY, "cls-1")
    async with faulty.client(Answer(200, job_of(OURS.upper())), scope=SCOPE) as (cloud, *_):
        assert (await cloud.job(JobKind.CLASSIFY, "cls-1")).id == "cls-1"  # a UUID is one in capitals, too


async def test_lists_leave_out_what_is_of_another_project(faulty: Faulty) -> None:
    jobs = {"items": [job_of(ANOTHER), job_of(OURS, id="cls-2")]}
    async with faulty.client(Answer(200, jobs), scope=SCOPE) as (cloud, *_):
        assert [job.id async for job in cloud.jobs(JobKind.CLASSIFY, since=0, until=9)] == ["cls-2"]
    async with faulty.client(Answer(200, {"items": [file_of(ANOTHER)]}), scope=SCOPE) as (cloud, *_):
        assert await cloud.find_file("doc_a", sha256="", known="dfl-1") is None
    async with faulty.client(Answer(200, file_of(ANOTHER)), scope=SCOPE) as (cloud, *_):
        with pytest.raises(FileGone, match="another LlamaCloud project"):
            await cloud.file("dfl-1")


async def test_what_lands_in_another_project_pauses_instead_of_being_used(faulty: Faulty) -> None:
    async with faulty.client(Answer(201, file_of(ANOTHER)), scope=SCOPE) as (cloud, *_):
        with pytest.raises(SettingsRefused, match="LLAMA_CLOUD_PROJECT_ID") as caught:
            await cloud.upload(content(b"%PDF-1.7"), name="a.pdf", external_id="doc_a", purpose="classify")
        assert caught.value.place == "LLAMA_CLOUD_PROJECT_ID"
        assert ANOTHER in str(caught.value)
    async with faulty.client(Answer(200, job_of(ANOTHER)), scope=SCOPE) as (cloud, *_):
        with pytest.raises(SettingsRefused, match="LLAMA_CLOUD_PROJECT_ID"):
            await cloud.create(an_order("dfl-1"))


async def test_the_check_of_the_key_names_what_it_opens(faulty: Faulty) -> None:
    opened = [{"id": ANOTHER, "name": "Post", "organization_id": ORGANIZATION}]
    async with faulty.client(Answer(200, opened), scope=SCOPE) as (cloud, *_):
        with pytest.raises(SettingsRefused) as caught:
            await cloud.check_key()
    said = str(caught.value)
    assert OURS in said
    assert "Post" in said
    assert ANOTHER in said
    async with faulty.client(Answer(200, []), scope=ProjectScope()) as (cloud, *_):
        with pytest.raises(SettingsRefused, match="opens no project"):
            await cloud.check_key()
    elsewhere = [{"id": OURS, "name": "Post", "organization_id": str(uuid4())}]
    async with faulty.client(Answer(200, elsewhere), scope=SCOPE) as (cloud, *_):
        with pytest.raises(SettingsRefused, match="LLAMA_CLOUD_ORGANIZATION_ID"):
            await cloud.check_key()


ids = st.text(st.sampled_from("abC-1"), min_size=1, max_size=4)


@given(ids | st.just(""), st.lists(st.builds(ProjectPayload, id=ids, organization_id=ids), max_size=4))
def test_only_what_the_key_opens_is_ever_chosen(wanted: str, opened: list[ProjectPayload]) -> None:
    scope = ProjectScope(project_id=wanted)
    try:
        chosen = scope.chosen(opened)
    except SettingsRefused:
        assert not any(not wanted or item.id.casefold() == wanted.casefold() for item in opened)
        return
    assert chosen
    assert all(item in opened and not scope.excludes(item.id) for item in chosen)
