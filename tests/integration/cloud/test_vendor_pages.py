"""What the vendor's pages show can be done with Mailroom: each call that they make, Mailroom makes.

That the snippets themselves run is shown in sandbox/tests/integration/test_vendor_pages.py.
"""

import re

import pytest

from receiver.bootstrap import open_cloud
from receiver.read_settings import from_environ
from tests.integration.cloud.test_project import every_call
from tests.recording_proxy import recording_proxy

pytestmark = pytest.mark.anyio

SHOWN = {
    "split guide, SDK: upload": ("POST", "/api/v1/beta/files"),
    "split guide, curl: upload": ("POST", "/api/v1/beta/files"),  # the page's older path, /api/v1/files, does the same
    "split guide: create": ("POST", "/api/v1/beta/split/jobs"),
    "split guide: poll": ("GET", "/api/v1/beta/split/jobs/ID"),
    "split reference: create": ("POST", "/api/v1/beta/split/jobs"),
    "classify reference: create": ("POST", "/api/v2/classify"),
    "classify reference: list": ("GET", "/api/v2/classify"),
    "classify reference: get": ("GET", "/api/v2/classify/ID"),
}


async def test_mailroom_makes_every_call_of_the_pages(sandbox_url: str, key: str) -> None:
    with recording_proxy(sandbox_url) as (url, proxy):
        cloud = open_cloud(from_environ({"LLAMA_CLOUD_API_KEY": key, "LLAMA_CLOUD_BASE_URL": url}))
        await every_call(cloud)
        await cloud.close()
    made = {(item.method, re.sub(r"/(cls|spl|dfl|whc)-[^/]+", "/ID", item.path)) for item in proxy.requests}
    assert {page: call for page, call in SHOWN.items() if call not in made} == {}
