"""Who gets in and how much: keys, rates, sizes, credits, lifetimes."""

import httpx
import pytest

from llamacloud_sandbox.app import endpoints
from llamacloud_sandbox.testing import sandbox_in_thread
from support.caller import a_caller
from support.inbox import until
from support.sample_documents import CONFIGURATION, INVOICE

CAPPED = "This project has reached its daily usage limit."
UPLOAD = {"upload_file": ("letter.pdf", INVOICE)}


def bearer(key: str) -> dict[str, str]:
    """The headers of a caller."""
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic abc"}])
def test_without_a_key_nobody_gets_in(sandbox_url: str, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{sandbox_url}/api/v1/projects", headers=headers)
    assert answer.status_code == 401
    assert isinstance(answer.json()["detail"], str)


def test_only_the_named_keys_get_in() -> None:
    with sandbox_in_thread(keys=("llx-a", "llx-b")) as url, httpx.Client(base_url=url) as http:
        codes = [http.get("/api/v1/projects", headers=bearer(key)).status_code for key in ("llx-a", "llx-b", "llx-c")]
    assert codes == [200, 200, 401]


def test_the_vendors_rates_hold_per_project_and_pass_with_time() -> None:
    now = [1000.0]
    with sandbox_in_thread(clock=lambda: now[0], think_seconds=0) as url, httpx.Client(base_url=url) as http:
        uploads = [http.post("/api/v1/files", files=UPLOAD, headers=bearer("a")) for _ in range(51)]
        assert [each.status_code for each in uploads] == [200] * 50 + [429]
        assert "Retry-After" not in uploads[50].headers
        assert http.post("/api/v1/files", files=UPLOAD, headers=bearer("b")).status_code == 200
        body = {"file_input": uploads[0].json()["id"], "configuration": CONFIGURATION}
        jobs = [http.post("/api/v2/classify", json=body, headers=bearer("a")) for _ in range(41)]
        assert [each.status_code for each in jobs] == [200] * 40 + [429]
        assert jobs[40].json()["detail"] == "Rate limit exceeded. Maximum 40 classify job creations per second."
        now[0] += 1.0
        assert http.post("/api/v2/classify", json=body, headers=bearer("a")).status_code == 200
        assert http.post("/api/v1/files", files=UPLOAD, headers=bearer("a")).status_code == 429
        now[0] += 4.0
        assert http.post("/api/v1/files", files=UPLOAD, headers=bearer("a")).status_code == 200


def test_a_file_over_the_limit_is_a_413_and_leaves_nothing() -> None:
    with sandbox_in_thread(max_file_bytes=1000) as url, a_caller(url) as http:
        for size in (1001, 5 * 1024 * 1024):
            files = {"upload_file": ("letter.pdf", b"x" * size)}
            assert http.post("/api/v1/files", files=files).status_code == 413
        assert http.get("/api/v1/beta/files").json()["items"] == []


LISTS = [each.path for each in endpoints() if each.method == "GET" and "page_size" in each.query.model_fields]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_less_than_one_is_refused(sandbox_url: str, path: str, size: int) -> None:
    answer = httpx.get(f"{sandbox_url}{path}", params={"page_size": size}, headers=bearer("llx-1"))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "page_size"]


def test_a_reached_cap_is_a_402_of_its_own_until_the_next_day() -> None:
    now = [86_400.0 * 9]
    with (
        sandbox_in_thread(clock=lambda: now[0], think_seconds=0, daily_cap=1.0) as url,
        a_caller(url) as http,
        a_caller(url, "llx-2") as other,
    ):
        job = created(http).json()["id"]
        until(lambda: http.get(f"/api/v2/classify/{job}").json()["status"] == "COMPLETED")
        refused = created(http)
        assert (refused.status_code, refused.json()["detail"]) == (402, CAPPED)
        assert http.get(f"/api/v2/classify/{job}").status_code == 200  # reads still work
        assert created(other).status_code == 200  # another project has a day of its own
        now[0] += 86_400.0
        assert created(http).status_code == 200


def created(http: httpx.Client) -> httpx.Response:
    """A classify job for a file that was uploaded, or is there already."""
    files = http.get("/api/v1/beta/files").json()["items"] or [http.post("/api/v1/files", files=UPLOAD).json()]
    return http.post("/api/v2/classify", json={"file_input": files[0]["id"], "configuration": CONFIGURATION})


def test_used_up_credits_are_a_402() -> None:
    with sandbox_in_thread(think_seconds=0, credits=1.0) as url, a_caller(url) as http:
        file_id = http.post("/api/v1/files", files=UPLOAD).json()["id"]
        body = {"file_input": file_id, "configuration": CONFIGURATION}
        job_id = http.post("/api/v2/classify", json=body).json()["id"]
        until(lambda: http.get(f"/api/v2/classify/{job_id}").json()["status"] == "COMPLETED")
        assert http.post("/api/v2/classify", json=body).status_code == 402


def test_an_expired_file_is_not_there_any_more() -> None:
    with sandbox_in_thread(file_lifetime_seconds=0.0) as url, a_caller(url) as http:
        uploaded = http.post("/api/v1/files", files=UPLOAD).json()
        assert uploaded["expires_at"] is not None
        assert http.get(f"/api/v1/beta/files/{uploaded['id']}").status_code == 404
        body = {"file_input": uploaded["id"], "configuration": CONFIGURATION}
        assert http.post("/api/v2/classify", json=body).status_code == 400


def test_unknown_paths_and_methods_are_json_errors(http: httpx.Client) -> None:
    assert http.get("/api/v9/nothing").json() == {"detail": "Not Found"}
    assert http.delete("/api/v1/projects").json() == {"detail": "Method Not Allowed"}
    assert http.post("/api/v2/classify", content=b"{not json").json()["detail"][0]["type"] == "json_invalid"


def test_a_page_token_that_is_not_ours_is_refused(http: httpx.Client) -> None:
    for path in ("/api/v2/classify", "/api/v1/beta/files", "/api/v1/split/jobs"):
        assert http.get(path, params={"page_token": "bm9uc2Vuc2U"}).status_code == 400
