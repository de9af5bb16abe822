"""What S3's answer to a write proves: only an answer about other bytes, or about none, leads to another request."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.destinations.s3_checksum import as_base64, proves, sha256_in
from handlers.destinations.s3_object import S3Objects
from receiver.aws.boto import Aws
from receiver.core.delivery_request import Content


def told(body: bytes) -> dict[str, str]:
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return {"ETag": f'"{md5}"', "ChecksumSHA256": as_base64(hashlib.sha256(body).hexdigest())}


@given(body=st.binary(), other=st.binary())
def test_an_answer_proves_its_own_bytes_alone(body: bytes, other: bytes) -> None:
    answer = told(body)
    for part in (answer, {"ETag": answer["ETag"]}, {**answer, "ETag": '"of a KMS key"'}):
        assert proves(part, body)
        assert proves(part, other) == (other == body)
    assert sha256_in(answer) == hashlib.sha256(body).hexdigest()


def test_an_answer_without_a_checksum_proves_nothing() -> None:
    assert not proves({}, b"")
    assert not proves({"ETag": '"of a KMS key"'}, b"a")
    assert not proves({"ChecksumSHA256": base64.b64encode(b"half").decode(), "ETag": told(b"a")["ETag"]}, b"a")


class CountingAws(Aws):
    """Answers a write with this, and every look with the right checksum."""

    def __init__(self, answer: dict[str, str], body: bytes) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._answers = {"put_object": answer, "head_object": told(body)}

    async def attempt(self, service: str, operation: str, **_: Any) -> dict[str, Any] | None:
        self.asked.append(operation)
        return self._answers[operation]


@pytest.mark.anyio
@pytest.mark.parametrize(("answer", "looks"), [(told(b"a letter"), 0), ({"ETag": '"of a KMS key"'}, 1)])
async def test_a_write_is_followed_by_a_look_only_where_its_answer_proves_nothing(
    answer: dict[str, str], looks: int
) -> None:
    aws, body = CountingAws(answer, b"a letter"), b"a letter"

    async def stream() -> Any:
        yield body

    sha256 = hashlib.sha256(body).hexdigest()
    content = Content(size=len(body), sha256=sha256, media_type="text/plain", stream=stream)
    objects = S3Objects(aws, part_bytes=100, multipart_copy_above=100)
    assert await objects.write("bucket", "key", content, {}) == (sha256, True)
    assert aws.asked == ["put_object", *["head_object"] * looks]
