"""Sessions of the page: a cookie stands for the token until it ends, and never for anybody else."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import show
from receiver.bootstrap import App
from receiver.core import token
from receiver.core.errors import NotAuthentic
from receiver.core.flag import Flag
from receiver.core.operators import Operator, Operators, Role, hash_token, write_operators
from receiver.http.operator import operator_app
from receiver.http.session_cookie import PLAIN, SECURE, Session, credential_mark, read_cookie, write_cookie
from receiver.http.sessions import KEPT, ended_flag
from receiver.settings import Secret
from receiver.store.memory import MemoryStore
from tests.builders import NOW
from tests.receivers import ADMIN_TOKEN, TOKEN_SECRET, an_app

pytestmark = pytest.mark.anyio
ANN = "token-of-ann"
LIST = write_operators([Operator(name="ann", role=Role.OPERATOR, token_sha256=hash_token(ANN.encode()))])
HOURS, IDLE_MINUTES = 12.0, 60.0
SAME = {"sec-fetch-site": "same-origin"}


class Desk:
    """An operator's side whose time we set, and browsers in front of it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = NOW
        app = an_app(folder, store=MemoryStore(clock=self.clock), operators=Secret(LIST), **settings)
        self.app: App = replace(app, context=replace(app.context, clock=self.clock))
        self._inside = operator_app(self.app)

    def clock(self) -> float:
        return self.now

    def browser(self, cookie: str = "", *, url: str = "http://mail", address: str = "10.0.0.7") -> httpx.AsyncClient:
        """A browser, with a cookie from somewhere."""
        transport = httpx.ASGITransport(self._inside, client=(address, 1))
        headers = SAME | ({"cookie": f"{PLAIN}={cookie}"} if cookie else {})
        return httpx.AsyncClient(transport=transport, base_url=url, headers=headers)

    @asynccontextmanager
    async def signed_in(self, credential: str = ANN, *, address: str = "10.0.0.7") -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser(address=address) as browser:
            answer = await browser.post("/api/v1/session", headers={"authorization": f"Bearer {credential}"})
            assert answer.status_code == 200
            yield browser


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_the_cookie_stands_for_the_token_and_scripts_and_other_sites_do_not_get_it(desk: Desk) -> None:
    async with desk.browser() as browser:
        assert (await browser.get("/api/v1/session")).status_code == 401
        answer = await browser.post("/api/v1/session", headers={"authorization": f"Bearer {ANN}"})
        ends_at = show.moment(NOW + HOURS * 3600)
        assert answer.json() == {"name": "ann", "role": "operator", "ends_at": ends_at}
        given_cookie = SimpleCookie(answer.headers["set-cookie"])[PLAIN]
        assert [given_cookie[name] for name in ("httponly", "samesite", "path", "secure")] == [True, "strict", "/", ""]
        assert given_cookie["max-age"] == str(int(HOURS * 3600))
        assert ANN not in answer.headers["set-cookie"]
        assert hash_token(ANN.encode())[:16] not in base64.b64decode(given_cookie.value.split(".")[3] + "==").decode()
        assert (await browser.get("/api/v1/overview")).status_code == 200
        assert (await browser.get("/api/v1/session")).json()["name"] == "ann"
        assert (await browser.post("/api/v1/pauses", json={"what": "submission"})).status_code == 403


@pytest.mark.parametrize("how", ["scheme", "origin"])
async def test_over_https_the_cookie_is_secure_and_no_other_host_can_set_it(how: str, desk: Desk) -> None:
    url = "https://mail" if how == "scheme" else "http://mail"
    async with desk.browser(url=url) as browser:
        headers = {"authorization": f"Bearer {ANN}"} | ({"origin": "https://mail"} if how == "origin" else {})
        made = SimpleCookie((await browser.post("/api/v1/session", headers=headers)).headers["set-cookie"])
        assert list(made) == [SECURE]
        assert (made[SECURE]["secure"], made[SECURE]["path"], made[SECURE]["domain"]) == (True, "/", "")


async def test_a_session_ends_when_it_was_not_used_and_goes_on_while_it_is(desk: Desk) -> None:
    async with desk.signed_in() as browser:
        for _ in range(8):
            desk.now += IDLE_MINUTES * 60 - 1
            assert (await browser.get("/api/v1/overview")).status_code == 200
        desk.now += IDLE_MINUTES * 60 + 1
        answer = await browser.get("/api/v1/overview")
        assert (answer.status_code, "sign in again" in answer.json()["error"]["message"]) == (401, True)


async def test_a_session_ends_after_its_time_however_much_it_is_used(desk: Desk) -> None:
    async with desk.signed_in() as browser:
        begun, statuses = desk.now, list[int]()
        while desk.now <= begun + HOURS * 3600 + 600:
            statuses.append((await browser.get("/api/v1/overview")).status_code)
            desk.now += 600
        assert statuses == [200] * (int(HOURS) * 6 + 1) + [401]


async def test_a_request_soon_after_another_gets_no_new_cookie(desk: Desk) -> None:
    async with desk.signed_in() as browser:
        assert "set-cookie" not in (await browser.get("/api/v1/overview")).headers
        desk.now += IDLE_MINUTES * 60 * 0.2
        assert PLAIN in SimpleCookie((await browser.get("/api/v1/overview")).headers["set-cookie"])


async def test_who_signs_out_is_out_with_every_copy_of_the_cookie_and_elsewhere_nobody_is(desk: Desk) -> None:
    async with desk.signed_in() as browser, desk.signed_in() as other:
        copied = browser.cookies[PLAIN]
        desk.now += IDLE_MINUTES * 60 * 0.5
        await browser.get("/api/v1/overview")
        newer = browser.cookies[PLAIN]
        assert newer != copied
        assert (await browser.delete("/api/v1/session")).json() == {"signed_out": True}
        assert PLAIN not in browser.cookies
        for cookie in (copied, newer):
            async with desk.browser(cookie) as thief:
                assert (await thief.get("/api/v1/overview")).status_code == 401
                assert (await thief.delete("/api/v1/session")).status_code == 401
        assert (await other.get("/api/v1/overview")).status_code == 200


async def test_the_log_says_who_signed_in_and_out_and_from_where(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="mailroom.http")
    async with desk.signed_in() as browser:
        await browser.post("/api/v1/session")
        await browser.delete("/api/v1/session")
    told = [(item.getMessage(), item.facts) for item in caplog.records]  # type: ignore[attr-defined]
    facts = {"who": "ann", "peer": "10.0.0.7"}
    assert told == [("session.began", facts), ("session.ended", facts)]


async def test_what_is_kept_of_ended_sessions_is_bounded_and_forgets_those_that_would_be_over(desk: Desk) -> None:
    for _ in range(KEPT + 5):
        async with desk.signed_in() as browser:
            await browser.delete("/api/v1/session")
    flag = await desk.app.context.store.get(Flag, ended_flag("ann"))
    assert flag is not None
    assert len(json.loads(flag.value)) == KEPT
    desk.now += HOURS * 3600 + 1
    async with desk.signed_in() as browser:
        await browser.delete("/api/v1/session")
    flag = await desk.app.context.store.get(Flag, ended_flag("ann"))
    assert flag is not None
    assert len(json.loads(flag.value)) == 1


async def test_with_its_operator_a_session_ends_at_once_and_with_another_token(desk: Desk) -> None:
    access = desk.app.access
    async with desk.signed_in() as browser:
        ann = access.operators.entries["ann"]
        others = [{}, *({"ann": replace(ann, token_sha256=sha256)} for sha256 in (hash_token(b"another"), ""))]
        for changed in others:
            access.operators = Operators(changed)
            assert (await browser.get("/api/v1/overview")).status_code == 401
        access.operators = Operators({"ann": replace(ann, role=Role.VIEWER)})
        assert (await browser.get("/api/v1/session")).json()["role"] == "viewer"


@pytest.mark.parametrize("changed", [hash_token(b"another"), ""], ids=["another token", "no token"])
async def test_a_slow_request_does_not_carry_a_session_over_to_another_token(
    changed: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    access, find = desk.app.access, desk.app.context.store.find

    async def replaced_meanwhile(*asked: Any) -> Any:
        access.operators = Operators({"ann": replace(access.operators.entries["ann"], token_sha256=changed)})
        return await find(*asked)

    async with desk.signed_in() as browser:
        desk.now += IDLE_MINUTES * 60 / 2
        monkeypatch.setattr(desk.app.context.store, "find", replaced_meanwhile)
        begun_before = await browser.get("/api/v1/events")
        assert (begun_before.status_code, "set-cookie" in begun_before.headers) == (200, False)
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_the_shared_token_has_sessions_too_until_it_changes(desk: Desk) -> None:
    async with desk.signed_in(ADMIN_TOKEN) as browser:
        assert (await browser.get("/api/v1/session")).json() | {"ends_at": ""} == {
            "name": None,
            "role": "admin",
            "ends_at": "",
        }
        desk.app.access.token = Secret("another-admin-token")
        assert (await browser.get("/api/v1/overview")).status_code == 401
        desk.app.access.token = Secret("")
        assert (await browser.get("/api/v1/overview")).status_code == 401


async def test_a_session_is_extended_by_no_session_only_by_a_token(desk: Desk) -> None:
    async with desk.signed_in() as browser:
        ends = (await browser.get("/api/v1/session")).json()["ends_at"]
        desk.now += 600
        again = await browser.post("/api/v1/session")
        assert again.json()["ends_at"] == ends


async def test_after_a_rotation_old_cookies_are_accepted_as_long_as_the_old_secret_is(tmp_path: Path) -> None:
    old, new = (
        Desk(tmp_path / "old"),
        Desk(tmp_path / "new", token_secrets=Secret(f"a-new-token-secret,{TOKEN_SECRET}")),
    )
    gone = Desk(tmp_path / "gone", token_secrets=Secret("a-new-token-secret"))
    async with old.signed_in() as browser, new.browser(browser.cookies[PLAIN]) as same:
        assert (await same.get("/api/v1/overview")).status_code == 200
        new.now += 3000
        renewed = SimpleCookie((await same.get("/api/v1/overview")).headers["set-cookie"])[PLAIN].value
    async with gone.browser(renewed) as same, gone.browser(browser.cookies[PLAIN]) as before:
        assert (await same.get("/api/v1/overview")).status_code == 200
        assert (await before.get("/api/v1/overview")).status_code == 401


def a_session(**changes: object) -> Session:
    fields = {"id": "s1", "name": "ann", "mark": "m", "ends_at": NOW + 9000, "used_at": NOW} | changes
    return Session(**fields)  # type: ignore[arg-type]


async def test_a_cookie_that_somebody_else_made_opens_nothing_and_is_counted(desk: Desk) -> None:
    ann = desk.app.access.operators.entries["ann"]
    forged = [
        write_cookie(a_session(mark=credential_mark(ann.token_sha256, key)), key, idle_seconds=3600)
        for key in (b"a key of mine", TOKEN_SECRET.encode(), hash_token(ANN.encode()).encode(), ADMIN_TOKEN.encode())
    ]
    forged += [token.make_token("doc_1", TOKEN_SECRET.encode(), expires_at=NOW + 60), "", "v1....", "x" * 9000]
    for cookie in forged:
        async with desk.browser(cookie or "v1") as browser:
            assert (await browser.get("/api/v1/overview")).status_code == 401
    async with desk.browser("v1.forged") as guesser, desk.browser() as other:
        statuses = [(await guesser.get("/api/v1/overview")).status_code for _ in range(5)]
        assert statuses[-1] == 429
        assert (await other.get("/api/v1/session")).status_code == 401, "no cookie is no guess"
    async with desk.signed_in(address="10.0.0.8") as browser, desk.browser(browser.cookies[PLAIN]) as same:
        assert (await same.get("/api/v1/overview")).status_code == 200, "a right one is no guess"


@given(st.data())
def test_no_part_of_a_cookie_can_be_changed(data: st.DataObject) -> None:
    key, session = b"a key", a_session()
    cookie = write_cookie(session, key, idle_seconds=3600)
    assert read_cookie(cookie, (b"other", key), now=NOW) == (session, key)
    place = data.draw(st.integers(0, len(cookie) - 1))
    letter = data.draw(st.characters(codec="ascii", exclude_characters=cookie[place]))
    with pytest.raises(NotAuthentic):
        read_cookie(cookie[:place] + letter + cookie[place + 1 :], (key,), now=NOW)


FOREIGN = [
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "", "origin": "http://mail"},
    {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://mail.evil.example"},
    {"origin": "http://mail:81"}, {"origin": "http://evil.example@mail.evil"}, {"origin": ""},
]  # fmt: skip
OURS = [
    {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://mail"}, {},
    {"origin": "https://room.example.com"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN + OURS)
async def test_a_page_of_a_stranger_gets_nothing_done_with_the_cookie(headers: dict[str, str], tmp_path: Path) -> None:
    desk = Desk(tmp_path, operator_url="https://room.example.com/mailroom")
    async with desk.signed_in(ADMIN_TOKEN) as browser:
        del browser.headers["sec-fetch-site"]
        for method, path in (("POST", "/api/v1/pauses"), ("POST", "/pauses"), ("DELETE", "/api/v1/session")):
            answer = await browser.request(method, path, headers=headers, json={"what": "submission", "resume": True})
            assert (answer.status_code == 403) == (headers in FOREIGN), (method, path, answer.text)
            if answer.status_code == 403:
                assert "another site's page" in answer.text
                assert "set-cookie" not in answer.headers


async def test_a_token_needs_no_page_of_ours(desk: Desk) -> None:
    async with desk.browser() as program:
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}", "sec-fetch-site": "cross-site"}
        assert (await program.post("/pauses", json={"what": "submission"}, headers=headers)).status_code == 200
