"""Calls whose response is parsed: one object, or a list page by page."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from receiver.cloud import wire
from receiver.cloud.transport import Call, Transport
from receiver.core.errors import CloudBusy

M = TypeVar("M", bound=BaseModel)


async def ask_one(transport: Transport, shape: type[M], call: Call) -> M:
    """The parsed response to this call."""
    return wire.read_payload(shape, await transport.send(call), asked=call.asked)


async def ask_pages(transport: Transport, shape: type[wire.Listed[M]], call: Call) -> AsyncIterator[M]:
    """All items of a list. An empty page in the middle does not end it; a token that repeats raises CloudBusy."""
    seen: set[str] = set()
    token: str | None = ""
    while token is not None:
        page = await ask_one(
            transport, shape, replace(call, params={**call.params, "page_token": token}) if token else call
        )
        for item in page.items:
            yield item
        token = page.next_page_token or None
        if token in seen:
            raise CloudBusy(f"LlamaCloud returns the same page of {call.asked} repeatedly")
        seen.add(token or "")
