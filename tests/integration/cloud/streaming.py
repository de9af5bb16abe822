"""Uploads a large file and reads it back; prints the growth of memory over both. Run in a process of its own."""

import asyncio
import hashlib
import json
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from receiver.cloud.client import LlamaCloud
from receiver.core.delivery_request import Content

CHUNK = bytes(1024 * 1024)
MEGABYTE = 1024 * 1024


def peak_megabytes() -> float:
    """The most that this program ever held in memory.

    On Linux from /proc: ``ru_maxrss`` starts with what the process that started us held, and would hide a growth.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def a_large_content(megabytes: int) -> Content:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(megabytes):
            yield CHUNK

    return Content(size=megabytes * MEGABYTE, sha256="", media_type="application/pdf", stream=stream)


async def there_and_back(cloud: LlamaCloud, megabytes: int) -> dict[str, float | str]:
    """Megabytes that the peak grew by for the upload and for the download, and what came back."""
    before = peak_megabytes()
    content = a_large_content(megabytes)
    file = await cloud.upload(content, name="large.pdf", external_id=f"large-{megabytes}", purpose="classify")
    uploaded = peak_megabytes()
    digest, size = hashlib.sha256(), 0
    async for chunk in cloud.read_file(file.id):
        digest.update(chunk)
        size += len(chunk)
    downloaded = peak_megabytes()
    return {
        "upload": uploaded - before,
        "download": downloaded - uploaded,
        "size": size / MEGABYTE,
        "sha256": digest.hexdigest(),
    }


async def main(url: str, megabytes: int) -> None:
    cloud = LlamaCloud(url, "llx-large")
    await there_and_back(cloud, 1)  # what the libraries need for themselves
    print(json.dumps(await there_and_back(cloud, megabytes)))  # noqa: T201  the caller reads it
    await cloud.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
