"""Bare Starlette: gives the answer that Mailroom gives; verifies and stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.peers.served import arguments, serve


async def event(request: Request) -> Response:
    told = await request.json()
    return JSONResponse({"status": "accepted", "event_id": told["event_id"]}, 202)


if __name__ == "__main__":
    listener, _ = arguments()
    serve(Starlette(routes=[Route("/webhooks/llamacloud", event, methods=["POST"])]), listener)
