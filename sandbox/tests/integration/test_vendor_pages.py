"""Every snippet and curl of five of the vendor's pages, run against the sandbox; a test names page and snippet.

Where today's SDK takes another form than the page, the form of today runs, and the page's own body is sent over plain
HTTP. Placeholders (`job_id`, an empty body) are what contract mode is for. The snippets are quoted as test data.
"""

import asyncio
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from llama_cloud import AsyncLlamaCloud, LlamaCloud

from llamacloud_sandbox.testing import sandbox_in_thread
from support.sample_documents import CATEGORIES, PACKET, RULES

GUIDE = "developers.llamaindex.ai/python/cloud/split/getting_started"
SPLIT_SDK, SPLIT_CURL = f"{GUIDE} (SDK)", f"{GUIDE}/api (curl)"
SPLIT_REFERENCE = "reference: beta split, create (curl)"
CLASSIFY_SDK, CLASSIFY_REST = "reference: classify (SDK)", "reference: classify, create (curl)"
HOST = "https://api.cloud.llamaindex.ai"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file.pdf").write_bytes(PACKET)
    return tmp_path


@pytest.fixture(scope="module")
def lenient() -> Iterator[str]:
    """A sandbox that answers placeholders."""
    with sandbox_in_thread(contract=True, think_seconds=0) as url:
        yield url


def curl(command: str, url: str, **words: str) -> httpx.Response:
    """What `curl` would do with this command of a page; ``words`` are put for its placeholders."""
    for placeholder, word in {HOST: url, "$LLAMA_CLOUD_API_KEY": "llx-pages", **words}.items():
        command = command.replace(placeholder, word)
    program, *parts = shlex.split(command.replace("\\\n", " "))
    assert program == "curl"
    method, target, headers, body, files = "", "", {}, None, {}
    while parts:
        part = parts.pop(0)
        if part == "-X":
            method = parts.pop(0)
        elif part == "-H":
            name, _, value = parts.pop(0).partition(": ")
            headers[name] = value
        elif part == "-d":
            body = parts.pop(0)
        elif part == "-F":
            name, _, value = parts.pop(0).partition("=@")
            path, _, kind = value.partition(";type=")
            files[name] = (Path(path).name, Path(path).read_bytes(), kind)
        else:
            target = part
    method = method or ("POST" if body is not None or files else "GET")
    return httpx.request(method, target, headers=headers, content=body, files=files or None)


UPLOAD = """curl -X 'POST' \\
  'https://api.cloud.llamaindex.ai/api/v1/files' \\
  -H 'accept: application/json' \\
  -H "Authorization: Bearer $LLAMA_CLOUD_API_KEY" \\
  -F 'upload_file=@/path/to/your/file.pdf;type=application/pdf'"""
CREATE = """curl -X 'POST' \\
  'https://api.cloud.llamaindex.ai/api/v1/beta/split/jobs' \\
  -H 'accept: application/json' \\
  -H 'Content-Type: application/json' \\
  -H "Authorization: Bearer $LLAMA_CLOUD_API_KEY" \\
  -d 'BODY'"""
POLL = """curl -X 'GET' \\
  'https://api.cloud.llamaindex.ai/api/v1/beta/split/jobs/YOUR_JOB_ID' \\
  -H 'accept: application/json' \\
  -H "Authorization: Bearer $LLAMA_CLOUD_API_KEY\""""
DESCRIPTIONS = [
    {"name": "invoice", "description": "A commercial document requesting payment for goods or services"},
    {
        "name": "contract",
        "description": "A legal agreement between parties outlining terms, conditions, obligations, and signatures",
    },
]
REFERENCE = """curl https://api.cloud.llamaindex.ai/api/v1/beta/split/jobs \\
    -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $LLAMA_CLOUD_API_KEY" \\
    -d '{
          "categories": [
            {
              "name": "x"
            }
          ],
          "document_input": {
            "type": "type",
            "value": "value"
          }
        }'"""
CLASSIFY = """curl https://api.cloud.llamaindex.ai/api/v2/classify \\
    -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $LLAMA_CLOUD_API_KEY" \\
    -d '{}'"""


def uploaded(url: str, folder: Path) -> str:
    answer = curl(UPLOAD, url, **{"/path/to/your/file.pdf": str(folder / "file.pdf")}).raise_for_status()
    return str(answer.json()["id"])


def poll(url: str, job_id: str) -> dict[str, Any]:
    """The job, asked for as the page asks until it has ended."""
    while True:
        job: dict[str, Any] = curl(POLL, url, YOUR_JOB_ID=job_id).raise_for_status().json()
        if job["status"] in {"completed", "failed"}:
            return job


def body(file_id: str, categories: list[dict[str, str]] = DESCRIPTIONS, **more: Any) -> str:
    return json.dumps({"document_input": {"type": "file_id", "value": file_id}, "categories": categories, **more})


@pytest.mark.parametrize("page", [SPLIT_CURL])
def test_curl_upload_create_poll_and_results(page: str, sandbox_url: str, folder: Path) -> None:
    created = curl(CREATE, sandbox_url, BODY=body(uploaded(sandbox_url, folder)))
    assert created.status_code == 201
    assert created.json()["id"].startswith("spl-")
    assert created.json()["status"] == "pending"
    job = poll(sandbox_url, created.json()["id"])
    assert job["status"] == "completed"
    assert set(job["result"]["segments"][0]) == {"category", "pages", "confidence_category"}
    assert [each["pages"] for each in job["result"]["segments"]] == [[1], [2]]


@pytest.mark.parametrize("page", [SPLIT_CURL])
def test_curl_allow_uncategorized_pages(page: str, sandbox_url: str, folder: Path) -> None:
    strategy = {"allow_uncategorized": True}
    asked = body(uploaded(sandbox_url, folder), DESCRIPTIONS[:1], splitting_strategy=strategy)
    job = poll(sandbox_url, curl(CREATE, sandbox_url, BODY=asked).json()["id"])
    assert "uncategorized" in {each["category"] for each in job["result"]["segments"]}


@pytest.mark.parametrize("page", [SPLIT_CURL])
def test_curl_project_id_as_a_query_parameter(page: str, sandbox_url: str, folder: Path) -> None:
    project = httpx.get(f"{sandbox_url}/api/v1/projects", headers={"Authorization": "Bearer llx-pages"}).json()[0]["id"]
    command = CREATE.replace("/jobs'", f"/jobs?project_id={project}'")
    created = curl(command, sandbox_url, BODY=body(uploaded(sandbox_url, folder)))
    assert (created.status_code, created.json()["project_id"]) == (201, project)
    elsewhere = CREATE.replace("/jobs'", "/jobs?project_id=YOUR_PROJECT_ID'")
    assert curl(elsewhere, sandbox_url, BODY=body(uploaded(sandbox_url, folder))).status_code == 404


@pytest.mark.parametrize("page", [SPLIT_SDK])
def test_sdk_upload_create_and_wait(page: str, client: LlamaCloud, folder: Path) -> None:
    file = client.files.create(file=folder / "file.pdf", purpose="split")
    job = client.beta.split.create(
        configuration={"categories": CATEGORIES}, document_input={"type": "file_id", "value": file.id}
    )
    assert job.id.startswith("spl-")
    done = client.beta.split.wait_for_completion(job.id, polling_interval=0.05, verbose=True)
    assert done.status == "completed"
    assert done.result
    assert [each.pages for each in done.result.segments] == [[1], [2]]
    assert {each.confidence_category for each in done.result.segments} <= {"high", "medium", "low"}


@pytest.mark.parametrize("page", [SPLIT_SDK])
def test_sdk_allow_uncategorized_pages_and_project_id(page: str, client: LlamaCloud, folder: Path) -> None:
    file = client.files.create(file=folder / "file.pdf", purpose="split")
    job = client.beta.split.create(
        configuration={"categories": CATEGORIES[:1], "splitting_strategy": {"allow_uncategorized": "include"}},
        document_input={"type": "file_id", "value": file.id},
        project_id=client.projects.list()[0].id,
    )
    done = client.beta.split.wait_for_completion(job.id, polling_interval=0.05)
    assert done.result
    assert "uncategorized" in {each.category for each in done.result.segments}


async def awaited(sandbox_url: str, folder: Path) -> str:
    """The same with ``await``, as the page writes it."""
    async with AsyncLlamaCloud(api_key="llx-pages", base_url=sandbox_url, max_retries=0) as client:
        file = await client.files.create(file=folder / "file.pdf", purpose="split")
        job = await client.beta.split.create(
            configuration={"categories": CATEGORIES}, document_input={"type": "file_id", "value": file.id}
        )
        done = await client.beta.split.wait_for_completion(job.id, polling_interval=0.05, verbose=True)
        return str(done.status)


@pytest.mark.parametrize("page", [SPLIT_SDK])
def test_sdk_with_await(page: str, sandbox_url: str, folder: Path) -> None:
    assert asyncio.run(awaited(sandbox_url, folder)) == "completed"


@pytest.mark.parametrize("page", [SPLIT_REFERENCE])
def test_curl_of_the_split_reference(page: str, lenient: str, sandbox_url: str) -> None:
    assert set(curl(REFERENCE, lenient).json()) >= {"id", "categories", "document_input", "project_id", "status"}
    refused = curl(REFERENCE, sandbox_url)  # its placeholders are no input
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "Only file_id document inputs are supported for split jobs.",
    )


@pytest.mark.parametrize("page", [CLASSIFY_REST])
def test_curl_of_the_classify_reference(page: str, lenient: str, sandbox_url: str) -> None:
    shape = {"id", "configuration", "document_input_type", "file_input", "project_id", "status", "user_id"}
    assert set(curl(CLASSIFY, lenient).json()) >= shape
    assert curl(CLASSIFY, sandbox_url).status_code == 422


@pytest.mark.parametrize("page", [CLASSIFY_SDK])
def test_sdk_snippets_of_the_classify_reference(page: str, lenient: str) -> None:
    with LlamaCloud(api_key="llx-pages", base_url=lenient, max_retries=0) as client:
        assert client.classify.create().id
        assert client.classify.get(job_id="job_id").id


@pytest.mark.parametrize("page", [CLASSIFY_SDK])
def test_sdk_create_list_and_get_with_a_file(page: str, client: LlamaCloud, folder: Path) -> None:
    file = client.files.create(file=folder / "file.pdf", purpose="classify")
    parsing: Any = {"lang": "en", "max_pages": 10}
    job = client.classify.create(
        file_input=file.id, configuration={"rules": RULES, "mode": "FAST", "parsing_configuration": parsing}
    )
    done = client.classify.wait_for_completion(job.id, polling_interval=0.05)
    assert done.result
    assert done.result.type in {"invoice", "contract"}
    assert client.classify.list().items[0].id == job.id  # as the page writes it
    assert [each.id for each in client.classify.list(status="COMPLETED")] == [job.id]
    assert client.classify.get(job.id).status == "COMPLETED"
