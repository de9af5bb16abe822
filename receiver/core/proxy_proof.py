"""How a proxy in front of the operator's side proves whom it signed in: MAILROOM_SIGN_IN and MAILROOM_PROXIES.

- ``header:X-Forwarded-Email``: the name alone, from the addresses of MAILROOM_PROXIES only (oauth2-proxy, …)
- ``alb:arn:aws:elasticloadbalancing:…``: ``x-amzn-oidc-data`` of an Application Load Balancer, signed
- ``cloudflare:TEAM.cloudflareaccess.com/AUD``: ``Cf-Access-Jwt-Assertion`` of Cloudflare Access, signed

Sources: "Authenticate users using an Application Load Balancer" in AWS's user guide of these (header, ES256, key
endpoints, ``signer``), and "Validate JWTs" in Cloudflare One's documentation (header, RS256, key set, ``aud``).
"""

import ipaddress
import re
from dataclasses import dataclass

from receiver.core.forms import Wrong

ALB_KEYS = "https://public-keys.auth.elb.{region}.amazonaws.com"
ALB_KEYS_GOVCLOUD = "https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}"
CLOUDFLARE_KEYS = "https://{team}/cdn-cgi/access/certs"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_ARN = re.compile(
    r"arn:(aws|aws-us-gov):elasticloadbalancing:([a-z0-9-]{1,40}):\d{12}:loadbalancer/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{1,32}"
)
_TEAM = re.compile(r"([a-z0-9-]{1,63}\.cloudflareaccess\.com)/([0-9a-f]{64})")
_NOT_A_NAME = frozenset({"authorization", "cookie", "host", "content-type", "content-length", "origin"})


@dataclass(frozen=True, slots=True)
class NamedByHeader:
    """The header has the name, and nothing proves it but where the request comes from."""

    header: str


@dataclass(frozen=True, slots=True)
class SignedByAlb:
    """A JWT by this load balancer; each of its keys is at an address of its own."""

    arn: str
    keys_url: str
    header: str = "x-amzn-oidc-data"


@dataclass(frozen=True, slots=True)
class SignedByCloudflare:
    """A JWT by this team's Cloudflare Access, for this application."""

    issuer: str
    audience: str
    keys_url: str
    header: str = "cf-access-jwt-assertion"


ProxyProof = NamedByHeader | SignedByAlb | SignedByCloudflare


def read_sign_in(text: str) -> ProxyProof:
    """The proof that this text names. Raises Wrong."""
    kind, _, rest = text.partition(":")
    if kind == "header":
        if not _HEADER.fullmatch(rest) or rest.lower() in _NOT_A_NAME:
            raise Wrong("names no header that a proxy could set", "write it like header:X-Forwarded-Email")
        return NamedByHeader(rest.lower())
    if kind == "alb":
        if not (found := _ARN.fullmatch(rest)):
            raise Wrong("is not the ARN of an Application Load Balancer", "copy it: arn:aws:elasticloadbalancing:…")
        keys = ALB_KEYS if found[1] == "aws" else ALB_KEYS_GOVCLOUD
        return SignedByAlb(rest, keys.format(region=found[2]))
    if kind == "cloudflare":
        if not (found := _TEAM.fullmatch(rest)):
            raise Wrong(
                "is not TEAM.cloudflareaccess.com/AUD",
                "AUD is the Application Audience tag of the application, 64 hexadecimal digits",
            )
        return SignedByCloudflare(f"https://{found[1]}", found[2], CLOUDFLARE_KEYS.format(team=found[1]))
    raise Wrong("is not known", "use header:NAME, alb:ARN or cloudflare:TEAM.cloudflareaccess.com/AUD")


def read_proxies(text: str) -> tuple[Network, ...]:
    """The addresses and networks in this comma-separated text. Raises Wrong."""
    found: list[Network] = []
    for part in text.split(","):
        try:
            found.append(ipaddress.ip_network(part.strip()))
        except ValueError:
            raise Wrong(
                f"names {part.strip()[:60]!r}, which is no address and no network",
                "write it like 127.0.0.1, 10.0.3.0/24",
            ) from None
        if found[-1].prefixlen == 0:
            raise Wrong(f"names {part.strip()}, which is everybody", "name the addresses of the proxy")
    return tuple(found)
