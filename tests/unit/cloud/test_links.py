"""A presigned link leads to the internet, or to the network that LlamaCloud itself is in, and nowhere else."""

import asyncio
import ipaddress
import socket
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud.links import check_link, network_of
from receiver.core.errors import CloudBusy

BASES = {
    "internet": "https://93.184.216.34",
    "private": "https://10.1.2.3",
    "loopback": "https://127.0.0.1:8090",
    "link-local": "https://[fe80::2]",
}
V6 = st.ip_addresses(v=6) | st.ip_addresses(v=4).map(lambda item: ipaddress.IPv6Address(f"::ffff:{item}"))
INSIDE = st.sampled_from(
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "0.0.0.0/8"]
).flatmap(lambda network: st.ip_addresses(v=4, network=network))


async def allowed(url: str, base: str) -> bool:
    try:
        await check_link(httpx.URL(url), base)
    except CloudBusy:
        return False
    return True


@given(st.ip_addresses(v=4) | V6 | INSIDE, st.sampled_from(sorted(BASES)))
def test_any_address_is_allowed_on_the_internet_or_where_llamacloud_is(address: Any, base: str) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    network = network_of(str(address))
    assert asyncio.run(allowed(f"https://{host}/x", BASES[base])) == (network in ("internet", base))


@given(INSIDE)
def test_no_address_of_ours_counts_as_the_internet_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    assert network_of(str(address)) != "internet"
    assert network_of(f"::ffff:{address}") == network_of(str(address))
    assert network_of(str(ipaddress.IPv6Address(b"\x20\x02" + address.packed + bytes(10)))) == network_of(str(address))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("found", "fine"),
    [
        (["93.184.216.34"], True),
        (["127.0.0.1"], False),
        (["93.184.216.34", "10.0.0.1"], False),
        (["::1"], False),
        (["fe80::1%eth0"], False),
        ([], True),
    ],
)
async def test_a_name_is_judged_by_all_that_it_stands_for(
    found: list[str], fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        assert host == "files.example.com"
        if not found:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    assert await allowed("https://files.example.com/x", BASES["internet"]) is fine


@pytest.mark.anyio
async def test_a_link_without_tls_is_refused_where_llamacloud_has_it() -> None:
    assert not await allowed("http://93.184.216.34/x", "https://93.184.216.34")
    assert await allowed("http://93.184.216.34/x", "http://127.0.0.1:8090")
