"""Who a request is from, by the word of the proxy that signed them in."""

import ipaddress

from starlette.requests import Request

from receiver.core.errors import NotAuthentic
from receiver.core.operators import is_name
from receiver.core.proxy_proof import NamedByHeader, Network, read_proxies, read_sign_in
from receiver.http.person import address_of
from receiver.settings import Settings


class ProxySignIn:
    """Reads and checks the header of MAILROOM_SIGN_IN."""

    def __init__(self, settings: Settings) -> None:
        proof = read_sign_in(settings.sign_in)
        self._header = proof.header.encode()
        self._proxies = read_proxies(settings.proxies) if settings.proxies else None
        self._check = None
        if not isinstance(proof, NamedByHeader):
            from receiver.http.signed_proof import checker_of  # needs an extra

            self._check = checker_of(proof)

    async def name(self, request: Request) -> str | None:
        """The name, in lower case; None if the proxy says none.

        Raises NotAuthentic for one that is not the proxy's word, and KeysUnavailable if that cannot be checked now.
        """
        values = [value for name, value in request.scope["headers"] if name == self._header and value]
        if not values:
            return None
        if len(values) > 1:
            raise NotAuthentic("two_headers")
        if self._proxies is not None and not _within(address_of(request), self._proxies):
            raise NotAuthentic("address")
        given = values[0].decode("latin-1")
        name = await self._check(given) if self._check else given
        if not is_name(name):  # before it is in lower case: that of the Kelvin sign is the letter k
            raise NotAuthentic("name")
        return name.lower()


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks)
