"""Sign-in at a proxy: its word counts with its own signature, or from its own address, and never for a stranger."""

import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receiver.combinations import refuse_combinations
from receiver.core import proxy_proof
from receiver.core.errors import Misconfigured
from receiver.core.proxy_proof import SignedByAlb, SignedByCloudflare, read_sign_in
from receiver.http import public_keys
from receiver.http.operator import operator_app
from receiver.http.public_keys import BURST, BYTES, FRESH_SECONDS, KEPT, KeysUnavailable, PublicKeys, fetch
from receiver.settings import Secret
from tests.receivers import ADMIN_TOKEN, an_app, settings_with

pytestmark = pytest.mark.anyio
LIST = json.dumps(
    {"ann@example.com": {"role": "operator"}, "*@example.com": {"role": "viewer"}, "robot.access": {"role": "admin"}}
)
PROXY, STRANGER = "10.0.3.7", "10.0.4.7"
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/mailroom/50dc6c495c0c9188"
TEAM, AUD = "team.cloudflareaccess.com", "0f" * 32
EMAIL, ALB, ACCESS = "x-forwarded-email", "x-amzn-oidc-data", "cf-access-jwt-assertion"


class KeyServer(BaseHTTPRequestHandler):
    """Serves what is in ``files``, and counts what is asked for."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self.files.get(self.path)
        self.send_response(200 if found is not None else 404)
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Nothing."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), KeyServer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def keys(served: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server of keys, with those of a load balancer and of Cloudflare, in place of theirs."""
    monkeypatch.setattr(proxy_proof, "ALB_KEYS", f"{served}/{{region}}")
    monkeypatch.setattr(proxy_proof, "CLOUDFLARE_KEYS", f"{served}/{{team}}/certs")
    KeyServer.asked.clear()
    KeyServer.files = {
        "/eu-central-1/alb-1": public_pem(EC),
        "/team.cloudflareaccess.com/certs": key_set({"cf-1": RSA, "cf-ec": EC}),
    }
    return served


EC, OTHER_EC = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def key_set(named: dict[str, Any]) -> bytes:
    found = {
        name: jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        if isinstance(key, rsa.RSAPrivateKey)
        else jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        for name, key in named.items()
    }
    return json.dumps({"keys": [key | {"kid": name} for name, key in found.items()]}).encode()


def now(seconds: float = 60) -> int:
    return int(time.time() + seconds)


def by_alb(key: Any = EC, *, algorithm: str = "ES256", claims: dict[str, Any] | None = None, **header: Any) -> str:
    headers = {"kid": "alb-1", "signer": ARN, "iss": "https://idp.example", "client": "c", "exp": now()} | header
    payload = {"sub": "1", "email": "Ann@Example.com", "exp": now(), "iss": "https://idp.example"} | (claims or {})
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def by_cloudflare(key: Any = RSA, *, algorithm: str = "RS256", kid: str = "cf-1", **claims: Any) -> str:
    usual = {"aud": [AUD], "email": "ann@example.com", "exp": now(), "iat": now(-5), "iss": f"https://{TEAM}"}
    payload = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid})


def unsigned(signed: str) -> str:
    """The same, with ``alg: none`` and no signature."""
    head, payload, _ = signed.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "none"}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{payload}."


def changed(signed: str, **claims: Any) -> str:
    """The same signature, under other claims."""
    head, payload, signature = signed.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "==")) | claims
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.{signature}"


def hmac_with_public_key(signed: str, pem: bytes) -> str:
    """Key confusion: an HMAC whose secret is the public key. PyJWT refuses to make one, so it is made by hand."""
    import hashlib
    import hmac

    head, payload, _ = signed.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "HS256"}
    message = f"{base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{payload}"
    mac = hmac.digest(pem, message.encode(), hashlib.sha256)
    return f"{message}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@asynccontextmanager
async def operator_side(
    folder: Path, sign_in: str, *, address: str = PROXY, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    app = an_app(folder, operators=Secret(LIST), sign_in=sign_in, **more)
    transport = httpx.ASGITransport(operator_app(app), client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail") as client:
        yield client


async def who(client: httpx.AsyncClient, **headers: str) -> Any:
    answer = await client.get("/session", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return answer.json()["name"] if answer.status_code == 200 else answer.status_code


HEADER = {"sign_in": "header:X-Forwarded-Email", "proxies": "10.0.3.0/24"}
CASES = {
    "header": HEADER,
    "alb": {"sign_in": f"alb:{ARN}"},
    "cloudflare": {"sign_in": f"cloudflare:{TEAM}/{AUD}"},
}


def signed_as(kind: str, email: str) -> dict[str, str]:
    made = {
        "header": (EMAIL, email),
        "alb": (ALB, by_alb(claims={"email": email})),
        "cloudflare": (ACCESS, by_cloudflare(email=email)),
    }
    return dict([made[kind]])


@pytest.mark.parametrize("kind", CASES)
async def test_whom_the_proxy_signed_in_has_the_role_of_their_address_or_domain(
    kind: str, keys: str, tmp_path: Path
) -> None:
    async with operator_side(tmp_path, **CASES[kind]) as client:
        found = {}
        for email in ("Ann@Example.com", "eve@example.com", "eve@evil.test", "eve@evil.test@example.com.evil.test"):
            answer = await client.get("/session", headers=signed_as(kind, email))
            found[email] = (answer.status_code, answer.json().get("name"), answer.json().get("role"))
        assert list(found.values()) == [
            (200, "ann@example.com", "operator"), (200, "eve@example.com", "viewer"), (403, None, None),
            (403, None, None),
        ]  # fmt: skip
        assert (
            await client.post("/pauses", json={"what": "submission"}, headers=signed_as(kind, "ann@example.com"))
        ).status_code == 403
        assert await who(client) == 401
        assert await who(client, authorization=f"Bearer {ADMIN_TOKEN}") is None, "programs have tokens"
        assert await who(client, authorization="Bearer wrong", **signed_as(kind, "ann@example.com")) == 401
        basic = {"authorization": "Basic YW5uOg=="}  # oauth2-proxy adds it
        assert await who(client, **basic, **signed_as(kind, "ann@example.com")) == "ann@example.com"


@pytest.mark.parametrize("kind", CASES)
async def test_a_page_of_a_stranger_gets_nothing_done_with_the_proxys_sign_in(
    kind: str, keys: str, tmp_path: Path
) -> None:
    async with operator_side(tmp_path, **CASES[kind]) as client:
        by_browser = signed_as(kind, "ann@example.com") | {
            "content-type": "text/plain",
            "origin": "https://evil.example",
        }
        answer = await client.post("/documents/correct", headers=by_browser, content=b"{}")
        assert (answer.status_code, "another site's page" in answer.text) == (403, True)


async def test_a_header_from_another_address_is_no_proof_and_is_counted_and_slowed(tmp_path: Path) -> None:
    async with operator_side(tmp_path, **HEADER, address=STRANGER) as stranger:
        statuses = [await who(stranger, **{EMAIL: "ann@example.com"}) for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
    for address in ("10.0.3.1", "::ffff:10.0.3.1"):
        async with operator_side(tmp_path, **HEADER, address=address) as proxy:
            assert await who(proxy, **{EMAIL: "ann@example.com"}) == "ann@example.com"
    for address in ("", "localhost", "127.0.0.1", "::1", "10.0.30.1"):
        async with operator_side(tmp_path, **HEADER, address=address) as other:
            assert await who(other, **{EMAIL: "ann@example.com"}) == 401


@pytest.mark.parametrize(
    "value",
    [
        "ann",
        "a b@example.com",
        "*@example.com",
        "operator",
        "ann@example.com,eve@example.com",
        "ä@example.com",
        "x" * 101,
    ],
)
async def test_a_header_that_is_no_name_opens_nothing(value: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **HEADER) as proxy:
        answer = await proxy.get("/session", headers=[(EMAIL.encode(), value.encode())])
        assert answer.status_code in (401, 403)
        twice = [(EMAIL, "ann@example.com"), (EMAIL, "eve@example.com")]
        assert (await proxy.get("/session", headers=twice)).status_code == 401
        assert (await proxy.get("/session", headers={"x_forwarded_email": "ann@example.com"})).status_code == 401


FORGED_ALB: dict[str, Callable[[], str]] = {
    "by another key": lambda: by_alb(OTHER_EC),
    "by another load balancer": lambda: by_alb(signer=ARN.replace("mailroom", "evil")),
    "without a signer": lambda: by_alb(signer=None),
    "no algorithm": lambda: unsigned(by_alb()),
    "an HMAC by the public key": lambda: hmac_with_public_key(by_alb(), public_pem(EC)),
    "another algorithm": lambda: by_alb(RSA, algorithm="RS256"),
    "expired by its header": lambda: by_alb(exp=now(-60)),
    "expired by its claims": lambda: by_alb(claims={"exp": now(-60)}),
    "without an end": lambda: by_alb(exp=None, claims={"exp": now()}),
    "an end that is no number": lambda: by_alb(exp="never"),
    "an unknown key": lambda: by_alb(kid="alb-2"),
    "a key elsewhere": lambda: by_alb(kid="../team.cloudflareaccess.com/certs"),
    "no key id": lambda: by_alb(kid=""),
    "other claims": lambda: changed(by_alb(), email="root@example.com"),
    "an address that nobody verified": lambda: by_alb(claims={"email_verified": "false"}),
    "the Kelvin sign in the place of a k": lambda: by_alb(claims={"email": "\N{KELVIN SIGN}ate@example.com"}),
    "an address as the subject": lambda: by_alb(claims={"email": None, "sub": "ann@example.com"}),
    "no JWT": lambda: "ann@example.com",
    "half a JWT": lambda: by_alb()[:-20],
    "too long": lambda: by_alb(claims={"x": "x" * 20_000}),
}  # fmt: skip
FORGED_CLOUDFLARE: dict[str, Callable[[], str]] = {
    "by another key": lambda: by_cloudflare(OTHER_RSA),
    "for another application": lambda: by_cloudflare(aud=["00" * 32]),
    "for none": lambda: by_cloudflare(aud=None),
    "by another team": lambda: by_cloudflare(iss="https://evil.cloudflareaccess.com"),
    "by nobody": lambda: by_cloudflare(iss=None),
    "no algorithm": lambda: unsigned(by_cloudflare()),
    "an HMAC by the public key": lambda: hmac_with_public_key(by_cloudflare(), public_pem(RSA)),
    "a key for another algorithm": lambda: by_cloudflare(EC, algorithm="ES256", kid="cf-ec"),
    "expired": lambda: by_cloudflare(exp=now(-60)),
    "without an end": lambda: by_cloudflare(exp=None),
    "not yet": lambda: by_cloudflare(nbf=now(120)),
    "an unknown key": lambda: by_cloudflare(kid="cf-2"),
    "other claims": lambda: changed(by_cloudflare(), email="root@example.com"),
    "the Kelvin sign in the place of a k": lambda: by_cloudflare(email="\N{KELVIN SIGN}ate@example.com"),
    "nobody": lambda: by_cloudflare(email=None),
    "a number": lambda: by_cloudflare(email=7),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED_ALB)
async def test_what_the_load_balancer_did_not_sign_for_us_now_opens_nothing(
    what: str, keys: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with operator_side(tmp_path, **CASES["alb"]) as client:
        assertion = FORGED_ALB[what]()
        assert await who(client, **{ALB: assertion}) == 401
        assert await who(client, **{ALB: by_alb()}) == "ann@example.com"
    assert assertion not in caplog.text


@pytest.mark.parametrize("what", FORGED_CLOUDFLARE)
async def test_what_cloudflare_did_not_sign_for_us_now_opens_nothing(what: str, keys: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **CASES["cloudflare"]) as client:
        assert await who(client, **{ACCESS: FORGED_CLOUDFLARE[what]()}) == 401
        assert await who(client, **{ACCESS: by_cloudflare()}) == "ann@example.com"


async def test_forged_proofs_are_slowed_and_a_right_one_gets_in_all_the_same(keys: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **CASES["alb"], proxies="10.0.3.7") as client:
        forged = by_alb(OTHER_EC)
        assert [await who(client, **{ALB: forged}) for _ in range(12)] == [401] * 10 + [429] * 2
        assert await who(client, **{ALB: by_alb()}) == "ann@example.com"
    async with operator_side(tmp_path, **CASES["alb"], proxies="10.0.3.7", address=STRANGER) as stranger:
        assert await who(stranger, **{ALB: by_alb()}) == 401, "who has a copy still has to be the proxy"


async def test_a_service_token_has_a_name_too(keys: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **CASES["cloudflare"]) as client:
        assert (
            await who(client, **{ACCESS: by_cloudflare(email=None, common_name="robot.access", sub="")})
            == "robot.access"
        )


async def test_an_assertion_with_padding_is_read(keys: str, tmp_path: Path) -> None:
    """AWS pads the parts of its JWTs, and signs them so."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    def padded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode()

    head = {"alg": "ES256", "kid": "alb-1", "signer": ARN, "exp": now(), "typ": "JWT"}
    message = f"{padded(json.dumps(head).encode())}.{padded(json.dumps({'email': 'ann@example.com'}).encode())}"
    r, s = decode_dss_signature(EC.sign(message.encode(), ec.ECDSA(SHA256())))
    assertion = f"{message}.{padded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    assert "=" in assertion
    async with operator_side(tmp_path, **CASES["alb"]) as client:
        assert await who(client, **{ALB: assertion}) == "ann@example.com"


async def test_keys_are_fetched_once_and_a_new_one_when_it_is_needed(keys: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **CASES["cloudflare"]) as client:
        for _ in range(5):
            await who(client, **{ACCESS: by_cloudflare()})
        assert KeyServer.asked == ["/team.cloudflareaccess.com/certs"]
        KeyServer.files["/team.cloudflareaccess.com/certs"] = key_set({"cf-1": RSA, "cf-2": OTHER_RSA})
        assert await who(client, **{ACCESS: by_cloudflare(OTHER_RSA, kid="cf-2")}) == "ann@example.com"
        assert len(KeyServer.asked) == 2


async def test_invented_key_ids_make_few_requests(keys: str, tmp_path: Path) -> None:
    async with operator_side(tmp_path, **CASES["alb"]) as client:
        assert await who(client, **{ALB: by_alb()}) == "ann@example.com"
        for number in range(30):
            await who(client, **{ALB: by_alb(kid=f"invented-{number}")})
        assert len(KeyServer.asked) <= BURST
        assert await who(client, **{ALB: by_alb()}) == "ann@example.com"


async def test_while_the_keys_cannot_be_fetched_it_is_said_so_and_nobody_is_blamed(
    keys: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    KeyServer.files["/team.cloudflareaccess.com/certs"] = b"no JSON"
    async with operator_side(tmp_path, **CASES["cloudflare"]) as client:
        answer = await client.get("/session", headers={ACCESS: by_cloudflare()})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "auth.refused" not in caplog.messages


async def test_what_is_fetched_is_bounded(keys: str) -> None:
    KeyServer.files["/long"] = b"x" * (BYTES + 1)
    with pytest.raises(ValueError, match="more than"):
        await fetch(f"{keys}/long")
    assert await fetch(f"{keys}/nothing") is None


async def test_keys_are_forgotten_when_they_are_old_and_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, loaded = [1000.0], list[str]()

    async def load(key_id: str) -> dict[str, str]:
        loaded.append(key_id)
        if key_id == "away":
            raise TimeoutError
        return {key_id: f"key {key_id}"}

    monkeypatch.setattr(public_keys, "EACH_SECONDS", 1.0)
    known = PublicKeys(load, clock=lambda: clock[0])
    assert [await known.get("a"), await known.get("a"), loaded] == ["key a", "key a", ["a"]]
    clock[0] += FRESH_SECONDS + 1
    assert [await known.get("a"), loaded] == ["key a", ["a", "a"]]
    with pytest.raises(KeysUnavailable):
        await known.get("away")
    for number in range(KEPT + 3):
        clock[0] += 1
        await known.get(str(number))
    assert len(known._known) == KEPT


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sign_in": "header:X-Forwarded-Email"}, "anybody could send this header"),
        ({"proxies": "127.0.0.1"}, "MAILROOM_SIGN_IN is not"),
        ({"sign_in": f"alb:{ARN}", "operators": Secret("")}, "gives nobody a role"),
    ],
)
def test_settings_that_would_trust_anybody_or_nobody_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        refuse_combinations(settings_with(**({"operators": Secret(LIST)} | given)), {})


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.combinations.find_spec", lambda _: None)
    with pytest.raises(Misconfigured) as refused:
        refuse_combinations(settings_with(operators=Secret(LIST), sign_in=f"alb:{ARN}"), {})
    assert refused.value.fix == "pip install 'llamacloud-mailroom[sso]'"


def test_the_keys_are_where_the_vendors_say() -> None:
    alb, access = read_sign_in(f"alb:{ARN}"), read_sign_in(f"cloudflare:{TEAM}/{AUD}")
    assert isinstance(alb, SignedByAlb)
    assert isinstance(access, SignedByCloudflare)
    assert alb.keys_url == "https://public-keys.auth.elb.eu-central-1.amazonaws.com"
    assert (access.keys_url, access.issuer) == (f"https://{TEAM}/cdn-cgi/access/certs", f"https://{TEAM}")
    government = read_sign_in(f"alb:{ARN.replace('aws:', 'aws-us-gov:').replace('eu-central-1', 'us-gov-west-1')}")
    assert isinstance(government, SignedByAlb)
    assert government.keys_url == "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1"
