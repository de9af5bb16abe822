"""A taste of scripts/fuzz-door, and the door under hypothesis: any bytes at all get an answer that is not our fault."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.http.webhook import PATH
from tests.fuzz.cases import case
from tests.fuzz.target import Target
from tests.receivers import Sender, a_body, an_app, client_of

pytestmark = pytest.mark.anyio
WITHIN_A_FUNCTION = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
VALUES = st.binary(max_size=60).filter(lambda value: not set(value) & set(b"\r\n\0"))


@pytest.mark.parametrize("seed", range(4))
async def test_generated_requests_break_no_rule(seed: int, tmp_path: Path) -> None:
    target, chance = Target(tmp_path), random.Random(seed)
    for _ in range(500):
        made = case(chance)
        _, wrong = await target.try_(made)
        assert not wrong, made


@WITHIN_A_FUNCTION
@given(body=st.binary(max_size=2000))
async def test_any_proven_body_is_an_event_or_malformed(tmp_path: Path, body: bytes) -> None:
    async with client_of(an_app(tmp_path)) as client:
        answer = await client.post(PATH, content=body, headers=Sender().proofs(body))
    assert answer.status_code in (202, 400)


@WITHIN_A_FUNCTION
@given(headers=st.lists(st.tuples(NAMES, VALUES), max_size=10))
async def test_any_headers_without_the_proofs_are_refused(tmp_path: Path, headers: list[tuple[str, bytes]]) -> None:
    async with client_of(an_app(tmp_path)) as client:
        given = [
            (name.encode(), value) for name, value in headers if name not in ("content-length", "transfer-encoding")
        ]
        answer = await client.post(PATH, content=a_body(), headers=given)
    assert answer.status_code in (400, 401, 415)
