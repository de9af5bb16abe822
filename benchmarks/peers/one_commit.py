"""What most teams would write: FastAPI, pydantic, and one commit for each event. It checks the static header alone."""

import sqlite3

from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

from benchmarks.events import HEADER_SECRET
from benchmarks.peers.served import arguments, serve


class Data(BaseModel):
    id: str | None = None
    job_id: str | None = None


class Event(BaseModel):
    event_id: str
    event_type: str
    timestamp: float
    data: Data


listener, folder = arguments()
database = sqlite3.connect(folder / "events.db", check_same_thread=False)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = full")
database.execute("create table event (id text primary key, type text, job text, body text)")
app = FastAPI()


@app.post("/webhooks/llamacloud")
async def event(event: Event, response: Response, x_mailroom_key: str = Header()) -> dict[str, str]:
    if x_mailroom_key != HEADER_SECRET:
        response.status_code = 401
        return {"status": "refused"}
    with database:
        database.execute(
            "insert or ignore into event values (?, ?, ?, ?)",
            (event.event_id, event.event_type, event.data.job_id, event.model_dump_json()),
        )
    response.status_code = 202
    return {"status": "accepted"}


serve(app, listener)
