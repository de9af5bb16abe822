"""Bare Starlette: takes the body in and answers with JSON; verifies and stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.peers.served import arguments, serve


async def event(request: Request) -> Response:
    await request.body()
    return JSONResponse({"status": "accepted"}, 202)


if __name__ == "__main__":
    listener, _ = arguments()
    serve(Starlette(routes=[Route("/webhooks/llamacloud", event, methods=["POST"])]), listener)
