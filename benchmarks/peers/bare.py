"""Bare Starlette: a plain text answer; reads, verifies and stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.peers.served import arguments, serve


async def event(request: Request) -> Response:
    return PlainTextResponse("ok")


if __name__ == "__main__":
    listener, _ = arguments()
    serve(Starlette(routes=[Route("/webhooks/llamacloud", event, methods=["POST"])]), listener)
