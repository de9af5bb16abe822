"""Checks where a presigned link leads.

LlamaCloud chooses the host, so a link must not give access to our own network. Any host on the internet is allowed;
loopback, a private or a link-local network only if LlamaCloud itself is there.
"""

import asyncio
import ipaddress
import socket
from typing import Literal

import httpx

from receiver.core.errors import CloudBusy

REDIRECTS = 3
"""Maximum redirects to follow, on the same host only."""

Network = Literal["internet", "private", "link-local", "loopback"]


async def check_link(url: httpx.URL, base_url: str) -> None:
    """Raises CloudBusy for a link into a private network in which LlamaCloud (``base_url``) itself is not.

    A name that cannot be resolved here passes: no request can reach it, unless a proxy resolves it.
    """
    base = httpx.URL(base_url)
    if base.scheme == "https" and url.scheme != "https":
        raise CloudBusy(f"LlamaCloud returned a link to {url.host} that is not https")
    inside = {network for network in await _networks(url.host) if network != "internet"}
    if inside and not inside <= await _networks(base.host):
        raise CloudBusy(
            f"LlamaCloud returned a link to {url.host}, which is in a {', '.join(sorted(inside))} network",
            fix="if LlamaCloud's files are really there, LLAMA_CLOUD_BASE_URL must be in the same network",
        )


def follow(url: httpx.URL, location: str) -> httpx.URL:
    """The target of a redirect. Raises CloudBusy if that is another host, or not https."""
    try:
        to = url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise CloudBusy(f"LlamaCloud's link to {url.host} redirects to an invalid address") from None
    if to.host != url.host or to.port != url.port or to.scheme != url.scheme:
        raise CloudBusy(f"LlamaCloud's link to {url.host} redirects to {to.host}, which is not allowed")
    return to


async def _networks(host: str) -> set[Network]:
    """The networks that the addresses of this host are in; empty for a name that cannot be resolved."""
    try:
        return {network_of(host)}
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {network_of(str(address[0])) for *_, address in found}


def network_of(address: str) -> Network:
    """The network of an IP address. Raises ValueError if this is not one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    return "internet" if ip.is_global and not ip.is_multicast else "private"
