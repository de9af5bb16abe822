"""Sessions of the page: a person signs in once with a token, and the browser then sends a cookie.

A session ends when the person signs out, when it was not used for a while, after a fixed time in any case, and with the
token that it began with. Only the end by signing out is stored: one record for each operator, with what ended lately.
"""

import json
import logging
import secrets
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.change import Insert, Replace
from receiver.core.errors import Conflict, NotAuthentic
from receiver.core.flag import Flag
from receiver.core.operators import Role, hash_token
from receiver.http.json_body import json_response
from receiver.http.person import Person, address_of, person_of, who_of
from receiver.http.session_cookie import PLAIN, SECURE, Session, credential_mark, read_cookie, write_cookie
from receiver.log import log_line

RENEWED_AFTER = 0.1
"""The part of the idle time after which a request gets a new cookie."""
KEPT = 100
"""Ends of an operator's sessions that are remembered, until the sessions would have ended anyway."""
TRIES = 5
log = logging.getLogger("mailroom.http")
ENDED = "your session has ended: sign in again"


def ended_flag(name: str) -> str:
    """The id of the flag with the sessions of this operator that were ended by signing out."""
    return f"signed-out:{name}"


class Sessions:
    """Begins, reads and ends sessions, over one application."""

    def __init__(self, app: App) -> None:
        self._access, self._store, self._clock = app.access, app.context.store, app.context.clock
        self._longest = app.settings.session_hours * 3600
        self._idle = app.settings.session_idle_minutes * 60

    def routes(self) -> list[Route]:
        """``/session``: who is signed in; begin a session; end it."""
        return [
            Route("/session", self.shown),
            Route("/session", self.begin, methods=["POST"]),
            Route("/session", self.end, methods=["DELETE"]),
        ]

    async def shown(self, request: Request) -> Response:
        """Who is signed in, and in which role."""
        return _answer(person_of(request))

    async def begin(self, request: Request) -> Response:
        """Begins a session for whoever sent a token; for anybody else it only says who is signed in."""
        person, now = person_of(request), self._clock()
        if not person.credential:
            return _answer(person)
        mark = credential_mark(person.credential, self._access.keys[0])
        session = Session(
            id=secrets.token_hex(8), name=person.name, mark=mark, ends_at=now + self._longest, used_at=now
        )  # fmt: skip
        answer = _answer(replace(person, session=session))
        self._give(session, request, answer)
        log_line(log, logging.INFO, "session.began", who=who_of(request), peer=address_of(request))
        return answer

    async def end(self, request: Request) -> Response:
        """Signs out: this session is over, also for whoever has a copy of its cookie."""
        if (session := person_of(request).session) is not None:
            await self._remember_end(session)
            log_line(log, logging.INFO, "session.ended", who=who_of(request), peer=address_of(request))
        answer = json_response({"signed_out": session is not None})
        for name in (PLAIN, SECURE):
            answer.delete_cookie(name, secure=name == SECURE, httponly=True, samesite="strict")
        return answer

    async def person(self, request: Request) -> Person | None:
        """Who has the session of this request's cookie; None without a cookie.

        Raises HTTPException for a session that has ended, NotAuthentic for a cookie that is not ours.
        """
        value = request.cookies.get(SECURE) or request.cookies.get(PLAIN)
        if not value:
            return None
        try:
            session, key = read_cookie(value, self._access.keys, now=self._clock())
        except NotAuthentic as error:
            if error.cause == "token_expired":
                raise HTTPException(401, ENDED) from error
            raise
        credential, role = self._credential(session.name)
        if not _is_of(session, credential, key) or role is None or await self._was_ended(session):
            raise HTTPException(401, ENDED)
        return Person(name=session.name, role=role, ambient=True, session=session)

    def prolong(self, request: Request, answer: Response) -> None:
        """Gives the request's session, if any, a new cookie once its present one is not so new any more.

        None if its operator was removed, or got another token, while the request was being answered.
        """
        session, now = person_of(request).session, self._clock()
        if session is None or now - session.used_at < self._idle * RENEWED_AFTER or request.method == "DELETE":
            return
        credential, _ = self._credential(session.name)
        if any(_is_of(session, credential, key) for key in self._access.keys):
            mark = credential_mark(credential, self._access.keys[0])
            self._give(replace(session, used_at=now, mark=mark), request, answer)

    def _credential(self, name: str) -> tuple[str, Role | None]:
        """What sessions of this operator depend on, and the role that they have now."""
        if not name:
            token = self._access.token.reveal()
            return (hash_token(token.encode()), Role.ADMIN) if token else ("", None)
        operator = self._access.operators.by_name(name)
        return (operator.token_sha256, operator.role) if operator else ("", None)

    def _give(self, session: Session, request: Request, answer: Response) -> None:
        secure = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
        secure = secure or SECURE in request.cookies
        answer.set_cookie(
            SECURE if secure else PLAIN,
            write_cookie(session, self._access.keys[0], idle_seconds=self._idle),
            max_age=max(int(session.ends_at - self._clock()), 1),
            secure=secure,
            httponly=True,
            samesite="strict",
        )

    async def _was_ended(self, session: Session) -> bool:
        flag = await self._store.get(Flag, ended_flag(session.name))
        return flag is not None and session.id in json.loads(flag.value)

    async def _remember_end(self, session: Session) -> None:
        """Raises Conflict if others end sessions of the same operator at the same time, again and again."""
        now, flag_id = self._clock(), ended_flag(session.name)
        for place in range(TRIES):
            flag = await self._store.get(Flag, flag_id)
            ended: dict[str, float] = json.loads(flag.value) if flag else {}
            ended = {session.id: session.ends_at} | {item: at for item, at in ended.items() if at > now}
            value = json.dumps(dict(list(ended.items())[:KEPT]))
            fresh = Flag(id=flag_id, value=value, at=now, version=flag.version if flag else 0)
            try:
                await self._store.apply(Replace(fresh) if flag else Insert(fresh))
                return
            except Conflict:
                if place == TRIES - 1:
                    raise


def _is_of(session: Session, credential: str, key: bytes) -> bool:
    """Whether the session, in a cookie that this key signed, began with this token."""
    return bool(credential) and secrets.compare_digest(credential_mark(credential, key), session.mark)


def _answer(person: Person) -> Response:
    session = person.session
    return json_response(
        {
            "name": person.name or None,
            "role": person.role,
            "ends_at": show.moment(session.ends_at) if session else None,
        }
    )
