"""Files through the vendor's SDK in strict mode, and through the older path that its curl examples use."""

import httpx
import pytest
from llama_cloud import APIStatusError, BadRequestError, LlamaCloud, NotFoundError

from support.sample_documents import CONTRACT, INVOICE


def test_an_uploaded_file_is_shown_as_it_was_named(client: LlamaCloud) -> None:
    uploaded = client.files.create(file=("a letter.pdf", INVOICE), purpose="classify", external_file_id="doc-1")
    assert uploaded.id.startswith("dfl-")
    assert (uploaded.name, uploaded.file_type, uploaded.purpose) == ("a letter.pdf", "pdf", "classify")
    assert client.files.retrieve(uploaded.id).external_file_id == "doc-1"


def test_content_is_a_link_that_needs_no_key_and_leads_to_the_bytes(client: LlamaCloud) -> None:
    uploaded = client.files.create(file=("letter.pdf", INVOICE), purpose="classify")
    link = client.files.content(uploaded.id)
    assert httpx.get(link.url).content == INVOICE
    assert httpx.get(link.url.replace("signature=", "signature=0")).status_code == 403
    expanded = client.files.retrieve(uploaded.id, expand=["download_url"]).download_url
    assert expanded is not None
    assert httpx.get(expanded.url).content == INVOICE


def test_files_are_found_by_external_id_name_and_id(client: LlamaCloud) -> None:
    first = client.files.create(file=("one.pdf", INVOICE), purpose="classify", external_file_id="doc-1")
    second = client.files.create(file=("two.pdf", CONTRACT), purpose="classify", external_file_id="doc-2")
    assert [each.id for each in client.files.list(external_file_id="doc-2")] == [second.id]
    assert [each.id for each in client.files.list(file_name="one.pdf")] == [first.id]
    assert [each.id for each in client.files.list(file_ids=[first.id, second.id], order_by="name")] == [
        first.id,
        second.id,
    ]


@pytest.mark.parametrize("order_by", ["created_at", "name", "id"])
def test_a_list_is_walked_page_by_page_without_gap_or_repeat(client: LlamaCloud, order_by: str) -> None:
    uploaded = {client.files.create(file=(f"{n}.pdf", INVOICE), purpose="classify").id for n in range(5)}
    listed = [each.id for each in client.files.list(page_size=2, order_by=order_by)]
    assert len(listed) == 5
    assert set(listed) == uploaded


def test_the_deprecated_query_finds_the_same(client: LlamaCloud) -> None:
    client.files.create(file=("one.pdf", INVOICE), purpose="classify", external_file_id="doc-1")
    with pytest.warns(DeprecationWarning):
        found = client.files.query(filter={"external_file_id": "doc-1"}, order_by="name desc, id")
    assert [each.name for each in found.items] == ["one.pdf"]


def test_a_deleted_file_is_gone_with_its_bytes(client: LlamaCloud) -> None:
    uploaded = client.files.create(file=("letter.pdf", INVOICE), purpose="classify")
    url = client.files.content(uploaded.id).url
    client.files.delete(uploaded.id)
    with pytest.raises(NotFoundError):
        client.files.retrieve(uploaded.id)
    assert httpx.get(url).status_code == 404


def test_an_empty_file_is_refused_with_the_vendors_text(client: LlamaCloud) -> None:
    with pytest.raises(BadRequestError, match="Uploaded file is empty"):
        client.files.create(file=("letter.pdf", b""), purpose="classify")


def test_another_keys_file_does_not_exist_here(client: LlamaCloud, sandbox_url: str) -> None:
    uploaded = client.files.create(file=("letter.pdf", INVOICE), purpose="classify")
    with LlamaCloud(api_key="llx-somebody-else", base_url=sandbox_url) as stranger, pytest.raises(NotFoundError):
        stranger.files.retrieve(uploaded.id)


@pytest.mark.parametrize("path", ["/api/v1/files", "/api/v1/files/"])
@pytest.mark.parametrize("field", ["upload_file", "file"])
def test_the_older_path_takes_both_field_names(http: httpx.Client, path: str, field: str) -> None:
    answer = http.post(path, files={field: ("letter.pdf", INVOICE)})
    assert answer.status_code == 200
    assert answer.json()["name"] == "letter.pdf"
    assert answer.json()["file_size"] == len(INVOICE)


def test_a_form_without_a_file_is_refused_with_the_vendors_text(http: httpx.Client) -> None:
    answer = http.post("/api/v1/beta/files", files={"other": ("x.pdf", INVOICE)}, data={"purpose": "classify"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "file field is required for multipart requests.")


def test_a_file_without_a_name_is_refused_with_the_vendors_text(http: httpx.Client) -> None:
    body = b'--e\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nclassify\r\n'
    body += b'--e\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\nabc\r\n--e--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=e"}
    answer = http.post("/api/v1/beta/files", content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "File must have a filename.")


def test_a_missing_purpose_is_a_422_of_fastapis_shape(http: httpx.Client) -> None:
    answer = http.post("/api/v1/beta/files", files={"file": ("letter.pdf", INVOICE)})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "purpose"]


def test_an_order_that_the_vendor_does_not_know_is_refused(client: LlamaCloud) -> None:
    with pytest.raises(APIStatusError) as refused:
        list(client.files.list(order_by="name desc"))
    assert refused.value.status_code == 422
