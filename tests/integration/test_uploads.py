"""Uploads over HTTP: each file stands for itself, nothing is half taken in, and memory stays flat."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.core.change import Insert, Query
from receiver.core.document import Document, Origin
from receiver.core.ids import document_id
from receiver.core.task import Task
from receiver.http import uploads
from tests.builders import a_document
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio

AUTH = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path, max_upload=1000)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with operator_of(app) as client:
        client.headers.update(AUTH)
        yield client


def files(**named: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name.replace("_pdf", ".pdf"), content)) for name, content in named.items()]


async def documents(app: App) -> list[Document]:
    return (await app.context.store.find(Document, Query())).records


def spooled(tmp_path: Path) -> set[str]:
    """The locations of what lies in the spool."""
    return {f"spool:{path.name}" for path in (tmp_path / "spool").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=UTF-8''%C3%9Cber%20uns.pdf", "Über uns.pdf"),
        ("filename*=iso-8859-1'de'%DCber.pdf", "Über.pdf"),
        ('filename*0="a"; filename*1="b.pdf"', "ab.pdf"),
        ("filename=\"plain.pdf\"; filename*=UTF-8''other.pdf", "plain.pdf"),
    ],
)
async def test_a_file_with_only_an_extended_name_is_a_file(
    client: httpx.AsyncClient, disposition: str, name: str
) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="f"; {disposition}\r\n\r\n%PDF-1.7\r\n--x--\r\n'
    answer = await client.post("/documents", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert [item["name"] for item in answer.json()["documents"]] == [name]


async def test_the_same_file_from_another_sender_is_another_document(app: App, client: httpx.AsyncClient) -> None:
    told = [
        (await client.post(f"/documents?sender={sender}", files=files(a_pdf=b"%PDF-1.7"))).json()["documents"][0]
        for sender in ("a", "b", "a")
    ]
    assert [item["fresh"] for item in told] == [True, True, False]
    assert told[0]["document_id"] == told[2]["document_id"] != told[1]["document_id"]
    kept = {item.id: item for item in await documents(app)}
    assert [kept[item["document_id"]].origin.sender for item in told] == ["a", "b", "a"]


async def test_a_file_that_an_earlier_mailroom_took_in_from_this_sender_is_known(
    app: App, client: httpx.AsyncClient
) -> None:
    content = b"%PDF-1.7"
    origin = Origin(kind="upload", locator="a.pdf", sender="a")
    sha256 = hashlib.sha256(content).hexdigest()
    old = a_document(id=document_id(origin, sha256), name="a.pdf", sha256=sha256, origin=origin)
    await app.context.store.apply(Insert(old))
    for sender, known in (("a", True), ("b", False)):
        answer = await client.post(f"/documents?sender={sender}", files=files(a_pdf=content))
        assert (answer.json()["documents"][0]["document_id"] == old.id) is known


async def test_files_become_documents_with_a_task_to_submit_each(
    app: App, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.post("/documents", files=files(one_pdf=b"%PDF-1.7 one", two_pdf=b"%PDF-1.7 two"))
    assert answer.status_code == 202
    told = answer.json()["documents"]
    assert [(item["name"], item["fresh"]) for item in told] == [("one.pdf", True), ("two.pdf", True)]
    kept = {item.id: item for item in await documents(app)}
    assert set(kept) == {item["document_id"] for item in told}
    assert {item.content for item in kept.values()} == spooled(tmp_path)
    assert {item.origin.kind for item in kept.values()} == {"upload"}
    tasks = (await app.context.store.find(Task, Query())).records
    assert sorted(task.subject for task in tasks) == sorted(kept)


async def test_the_same_file_twice_is_one_document(app: App, client: httpx.AsyncClient) -> None:
    first = await client.post("/documents", files=files(one_pdf=b"%PDF one"))
    again = await client.post("/documents", files=files(one_pdf=b"%PDF one"))
    assert again.json()["documents"] == [first.json()["documents"][0] | {"fresh": False}]
    assert len(await documents(app)) == 1


async def test_a_packet_is_marked_to_be_split(app: App, client: httpx.AsyncClient) -> None:
    await client.post("/documents?packet=true", files=files(scan_pdf=b"%PDF-1.7 scan"))
    assert [item.packet for item in await documents(app)] == [True]


@pytest.mark.parametrize("packet", ["ture", "on", ""])
async def test_a_misspelt_packet_is_refused_and_not_filed_as_one_document(
    packet: str, app: App, client: httpx.AsyncClient
) -> None:
    answer = await client.post(f"/documents?packet={packet}", files=files(scan_pdf=b"%PDF-1.7 scan"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert await documents(app) == []


async def test_one_refused_file_holds_no_other_back(app: App, client: httpx.AsyncClient, tmp_path: Path) -> None:
    sent = files(empty_pdf=b"", good_pdf=b"%PDF good", big_pdf=b"x" * 1001, last_pdf=b"%PDF last")
    answer = await client.post("/documents", files=sent)
    assert answer.status_code == 202
    assert [item["name"] for item in answer.json()["documents"]] == ["good.pdf", "last.pdf"]
    assert [(item["name"], item["code"]) for item in answer.json()["refused"]] == [
        ("empty.pdf", "document_refused"),
        ("big.pdf", "too_large"),
    ]
    assert all(item["name"] in item["reason"] for item in answer.json()["refused"])
    assert len(spooled(tmp_path)) == 2


async def test_an_empty_file_alone_is_named_in_the_error(app: App, client: httpx.AsyncClient) -> None:
    answer = await client.post("/documents", files=files(empty_pdf=b""))
    assert answer.status_code == 400
    assert "empty.pdf is empty" in answer.json()["error"]["message"]
    assert await documents(app) == []


async def test_a_file_over_the_limit_alone_is_413_and_leaves_nothing(
    app: App, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.post("/documents", files=files(big_pdf=b"x" * 1001))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "MAILROOM_MAX_UPLOAD" in answer.json()["error"]["message"]
    assert await documents(app) == []
    assert spooled(tmp_path) == set()


CUT = b'--x\r\nContent-Disposition: form-data; name="f"; filename="cut.pdf"\r\n\r\n%PDF only the beg'


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (CUT, "multipart/form-data; boundary=x", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"garbage", "multipart/form-data; boundary=x", 400),
        (b"a", "multipart/form-data", 400),
        (b"a", f"multipart/form-data; boundary={'x' * 71}", 400),
        (b"a", f"multipart/form-data; boundary={'x' * 257}", 400),
        (b"a", f"multipart/form-data; boundary={'x' * 60_000}", 400),
        (b"{}", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"", "", 415),
    ],
)
async def test_a_broken_request_takes_nothing_in(
    body: bytes, media_type: str, status: int, app: App, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    answer = await client.post("/documents", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"code", "message"})
    assert await documents(app) == []
    assert spooled(tmp_path) == set()


PIECES = ["multipart/form-data", "; ", "boundary=", '"', "x" * 30, "x" * 300, "=", ";", "*=utf-8''%ff", "é", " ", "\t"]
BYTES = [b"--", b"x" * 30, b"\r\n", CUT, b": ", b"filename*=", b"\0"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    media_type=st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    body=st.lists(st.sampled_from(BYTES), max_size=8).map(b"".join),
)
async def test_no_media_type_and_no_body_is_a_fault_of_ours(media_type: str, body: bytes, app: App) -> None:
    async with operator_of(app) as client:
        headers = [(b"authorization", AUTH["Authorization"].encode()), (b"content-type", media_type.encode("latin-1"))]
        answer = await client.post("/documents", content=body, headers=headers)
    assert answer.status_code in (202, 400, 415)


@pytest.mark.parametrize("header", ["X-Long: " + "x" * 100_000, "\r\n".join(["X-Many: x"] * 100)])
async def test_the_headers_of_a_part_are_bounded(header: str, app: App, client: httpx.AsyncClient) -> None:
    body = f'--x\r\n{header}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n%PDF\r\n--x--\r\n'
    answer = await client.post("/documents", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 400
    assert await documents(app) == []


async def test_what_was_taken_in_before_the_request_broke_is_told(app: App, client: httpx.AsyncClient) -> None:
    whole = b'--x\r\nContent-Disposition: form-data; name="f"; filename="whole.pdf"\r\n\r\n%PDF whole\r\n'
    answer = await client.post(
        "/documents", content=whole + CUT, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400
    assert [item["name"] for item in answer.json()["documents"]] == ["whole.pdf"]
    assert [item.name for item in await documents(app)] == ["whole.pdf"]


async def test_a_sender_that_stalls_is_let_go(
    app: App, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield CUT
        await anyio.sleep_forever()

    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.05)
    answer = await client.post(
        "/documents", content=stalling(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 408
    assert await documents(app) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 3000, "ü\u202efdp.exe", "tab\tand\x7f", "📎.pdf", "..."])
async def test_a_hostile_name_stays_a_name(name: str, app: App, client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await client.post("/documents", files=[("files", (name, b"%PDF"))])
    assert answer.status_code == 202
    [document] = await documents(app)
    assert len(document.name) <= uploads.NAME_LIMIT
    assert spooled(tmp_path) == {document.content}


async def test_a_file_field_that_was_left_empty_is_no_file(app: App, client: httpx.AsyncClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--x--\r\n'
    answer = await client.post("/documents", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the request has no file")


@pytest.mark.parametrize("token", [None, "Bearer wrong", f"Basic {ADMIN_TOKEN}", "Bearer ", "Bearer ü"])
async def test_without_the_token_nothing_is_taken_in(token: str | None, app: App) -> None:
    async with operator_of(app) as client:
        headers = [(b"Authorization", token.encode())] if token else []
        answer = await client.post("/documents", files=files(one_pdf=b"%PDF"), headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="mailroom"')
    assert await documents(app) == []
