"""The receiver by the book: FastAPI, pydantic, Mangum, boto3, and the vendor's SDK to fetch the result with."""

import os
from typing import Any

import boto3
from fastapi import FastAPI, Header, HTTPException
from llama_cloud import AsyncLlamaCloud
from mangum import Mangum
from pydantic import BaseModel


class Event(BaseModel):
    event_id: str
    event_type: str
    timestamp: float
    data: dict[str, Any]


app = FastAPI()
cloud = AsyncLlamaCloud(api_key="llx")
dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")


@app.post("/webhooks/llamacloud", status_code=202)
def hook(event: Event, x_mailroom_key: str = Header()) -> dict[str, str]:
    if x_mailroom_key != os.environ["KEY"]:
        raise HTTPException(401)
    dynamodb.put_item(
        TableName="events",
        Item={"pk": {"S": event.event_id}},
        ConditionExpression="attribute_not_exists(pk)",
    )
    sqs.send_message(QueueUrl=f"{os.environ['AWS_ENDPOINT_URL']}/000000000000/doorbell", MessageBody=event.event_id)
    return {"status": "accepted"}


handler = Mangum(app, lifespan="off")
