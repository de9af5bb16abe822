"""How many jobs a second the sandbox itself can carry from creation to its accepted `classify.success` event.

The sandbox runs as a program of its own (`--instant --no-limits`); client and receiver here are bare sockets, so that
they cost little. Usage: python benchmarks/rate.py [JOBS] [CLIENTS]
"""

import asyncio
import json
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

RULES = [
    {"type": "invoice", "description": "an invoice with line items and a total amount due"},
    {"type": "contract", "description": "a legal agreement between parties, with signatures"},
]
LETTER = b"INVOICE\nInvoice number 4711\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"


class Receiver(asyncio.Protocol):
    """Answers 200 to every complete request and counts them."""

    seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            Receiver.seen += 1
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def ask(port: int, method: str, path: str, body: bytes, kind: str, streams: list[object]) -> bytes:
    """The body of one answer on a kept-alive connection."""
    if not streams:
        streams.extend(await asyncio.open_connection("127.0.0.1", port))
    reader, writer = streams
    assert isinstance(reader, asyncio.StreamReader)
    assert isinstance(writer, asyncio.StreamWriter)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer llx-rate\r\n"
    writer.write(f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def client(port: int, job: bytes, count: int) -> None:
    """Create `count` jobs, one after the other."""
    streams: list[object] = []
    for _ in range(count):
        await ask(port, "POST", "/api/v2/classify", job, "application/json", streams)


async def uploaded(port: int) -> str:
    """The id of the one file that all jobs read."""
    edge = b"--edge\r\nContent-Disposition: form-data; name="
    form = edge + b'"purpose"\r\n\r\nclassify\r\n' + edge + b'"file"; filename="letter.txt"\r\n\r\n' + LETTER
    body = form + b"\r\n--edge--\r\n"
    answer = await ask(port, "POST", "/api/v1/beta/files", body, "multipart/form-data; boundary=edge", [])
    return str(json.loads(answer)["id"])


async def measure(port: int, jobs: int, clients: int) -> None:
    """Print the rate of creations, and of jobs whose event was accepted."""
    receiver = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    hook = {
        "webhook_url": f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/events",
        "webhook_events": ["classify.success"],
        "webhook_output_format": "json",
        "webhook_signing_secret": "whsec_rate",
    }
    configuration = {"rules": RULES}
    job = {"file_input": await uploaded(port), "configuration": configuration, "webhook_configurations": [hook]}
    began = time.perf_counter()
    await asyncio.gather(*(client(port, json.dumps(job).encode(), jobs // clients) for _ in range(clients)))
    created = time.perf_counter() - began
    async with asyncio.timeout(120):
        while Receiver.seen < jobs // clients * clients:  # noqa: ASYNC110 - the protocol only counts
            await asyncio.sleep(0.002)
    total = time.perf_counter() - began
    print(f"{jobs} jobs, {clients} clients: {jobs / created:.0f} created/s, {jobs / total:.0f} jobs with event/s")


async def main(jobs: int, clients: int) -> None:
    """Start the sandbox, measure, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder, "port")
        arguments = ["-m", "llamacloud_sandbox", "--instant", "--no-limits", "--port-file", str(port_file)]
        sandbox = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL)
        while not (port_file.exists() and port_file.read_text().endswith("\n")):  # noqa: ASYNC110, ASYNC240 - brief
            await asyncio.sleep(0.05)
        try:
            await measure(int(port_file.read_text()), jobs, clients)  # noqa: ASYNC240 - a tiny file
        finally:
            sandbox.send_signal(signal.SIGTERM)
            await sandbox.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"the sandbox used {1000 * (used.ru_utime + used.ru_stime) / jobs:.2f} ms of processor time per job")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    asyncio.run(main(*(given + [5000, 16][len(given) :])))
