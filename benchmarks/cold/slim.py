"""A careful hand-written receiver: Starlette, Mangum, one boto3 client. It keeps the event and rings nothing."""

import hmac
import json
import os

import boto3
from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

dynamodb = boto3.client("dynamodb")


async def hook(request: Request) -> JSONResponse:
    if not hmac.compare_digest(request.headers.get("x-mailroom-key", "").encode(), os.environ["KEY"].encode()):
        return JSONResponse({"error": "unauthorized"}, 401)
    event = json.loads(await request.body())
    dynamodb.put_item(
        TableName="events",
        Item={"pk": {"S": event["event_id"]}},
        ConditionExpression="attribute_not_exists(pk)",
    )
    return JSONResponse({"status": "accepted"}, 202)


handler = Mangum(Starlette(routes=[Route("/webhooks/llamacloud", hook, methods=["POST"])]), lifespan="off")
