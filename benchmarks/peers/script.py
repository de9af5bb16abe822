"""The script that most teams would write for the main job: FastAPI, the vendor's SDK, boto3, one process, 16 at a time.

It keeps nothing: a restart, a lost webhook or a failed delivery loses the document. ``POST /run`` submits the files of
a folder; a webhook fetches its job's result and delivers the document to a bucket and a queue. It runs in its own
environment: python -m benchmarks.peers.script PORT BUCKET QUEUE
"""
# ruff: noqa: ASYNC110, ASYNC240 - small files are read as most scripts read them

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

import boto3
import uvicorn
from fastapi import BackgroundTasks, FastAPI, Header, HTTPException
from llama_cloud import AsyncLlamaCloud
from pydantic import BaseModel

AT_ONCE = 16
RULES = [{"type": "invoice", "description": "an invoice with line items and a total amount due"}]
SECRET = "a-secret-for-the-script"

port, bucket, queue = int(sys.argv[1]), sys.argv[2], sys.argv[3]
app = FastAPI()
llama = AsyncLlamaCloud()
s3, sqs = boto3.client("s3"), boto3.client("sqs")
queue_url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
files: dict[str, Path] = {}
places = asyncio.Semaphore(AT_ONCE)
counts = {"submitted": 0, "delivered": 0, "failed": 0}


class Run(BaseModel):
    folder: str


class Data(BaseModel):
    job_id: str | None = None
    id: str | None = None


class Event(BaseModel):
    event_id: str
    event_type: str
    data: Data


@app.post("/run", status_code=202)
async def run(asked: Run, background: BackgroundTasks) -> None:
    background.add_task(submit_all, sorted(Path(asked.folder).iterdir()))


async def submit_all(paths: list[Path]) -> None:
    await asyncio.gather(*map(submit, paths))


async def submit(path: Path) -> None:
    async with places:
        file = await llama.files.create(file=(path.name, path.read_bytes()), purpose="classify")
        webhook = {
            "webhook_url": f"http://127.0.0.1:{port}/webhook",
            "webhook_events": ["classify.success", "classify.error"],
            "webhook_headers": {"X-Key": SECRET},
            "webhook_output_format": "json",
        }
        job = await llama.classify.create(
            file_input=file.id,
            configuration={"rules": RULES},  # type: ignore[arg-type]
            webhook_configurations=[webhook],  # type: ignore[list-item]
        )
        files[job.id] = path
        counts["submitted"] += 1


@app.post("/webhook")
async def webhook(event: Event, background: BackgroundTasks, x_key: str = Header()) -> dict[str, str]:
    if x_key != SECRET:
        raise HTTPException(401)
    background.add_task(route, event.data.job_id or str(event.data.id))
    return {"status": "accepted"}


async def route(job_id: str) -> None:
    job = await llama.classify.get(job_id)
    while job_id not in files:  # the event was faster than the answer to our request
        await asyncio.sleep(0.01)
    path, result = files.pop(job_id), job.result
    if result is None or result.type is None or result.confidence < 0.8:
        counts["failed"] += 1
        return
    key = f"{result.type}s/{path.name}"
    put = partial(s3.put_object, Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType="text/plain")
    await asyncio.to_thread(put)
    message = {"document": path.name, "type": result.type, "confidence": result.confidence, "key": key}
    await asyncio.to_thread(partial(sqs.send_message, QueueUrl=queue_url, MessageBody=json.dumps(message)))
    counts["delivered"] += 1


@app.get("/counts")
async def told() -> dict[str, int]:
    return counts


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
