"""Nobody forces the door."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core import token
from receiver.core.errors import NotAuthentic
from receiver.core.event import Inbound, Verified
from receiver.core.verify_webhook import Proof, Proving, WebhookSecrets, sign, verify
from tests.builders import NOW

BODY = b'{"event_id":"1"}'
HEADERS = {b"x-key": (b"new", b"old"), b"x-team": (b"mail",)}
SECRETS = (b"s-new", b"s-old")


def a_lock(*required: Proof, adopt: bool = False) -> WebhookSecrets:
    return WebhookSecrets(
        headers=HEADERS, token_secrets=SECRETS, signing_secrets=SECRETS, required=frozenset(required), adopt=adopt
    )


def a_request(
    *,
    key: bytes = b"new",
    team: bytes = b"mail",
    signed_with: bytes = b"s-new",
    token_with: bytes = b"s-new",
    drop: str = "",
    body: bytes = BODY,
) -> Inbound:
    made = token.make_token("doc_abc", token_with, expires_at=NOW + 60).encode()
    headers = [
        (b"x-key", key),
        (b"x-team", team),
        (b"lc-signature", sign(BODY, signed_with)),
        (b"x-mailroom-token", made),
    ]
    return Inbound([(name, value) for name, value in headers if name.decode() != drop], body)


def cause(request: Inbound, lock: WebhookSecrets) -> str:
    with pytest.raises(NotAuthentic) as caught:
        verify(request, lock, now=NOW)
    return caught.value.cause


def test_a_request_with_every_proof_passes_and_says_which() -> None:
    verified = verify(a_request(), a_lock(*Proof), now=NOW)
    assert verified == Verified(BODY, ("headers:0", "signature:0", "token:0"), "doc_abc")


def test_old_secrets_pass_during_a_rotation_and_are_named() -> None:
    request = a_request(key=b"old", signed_with=b"s-old", token_with=b"s-old")
    assert verify(request, a_lock(*Proof), now=NOW).by == ("headers:1", "signature:1", "token:1")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (a_request(key=b"wrong"), "header_wrong"),
        (a_request(key=b""), "header_wrong"),
        (a_request(drop="x-team"), "header_missing"),
        (a_request(signed_with=b"nobody"), "signature_wrong"),
        (a_request(body=BODY + b" "), "signature_wrong"),
        (a_request(drop="lc-signature"), "signature_missing"),
        (a_request(token_with=b"nobody"), "token_key_unknown"),
        (a_request(drop="x-mailroom-token"), "token_missing"),
    ],
)
def test_one_wrong_proof_is_enough_to_be_refused(request_: Inbound, expected: str) -> None:
    assert cause(request_, a_lock(*Proof)) == expected


@pytest.mark.parametrize("name", [b"x-key", b"lc-signature", b"x-mailroom-token"])
def test_a_repeated_header_is_refused_even_when_one_of_them_is_right(name: bytes) -> None:
    request = a_request()
    doubled = Inbound([*request.headers, (name, request.values(name)[0])], BODY)
    assert cause(doubled, a_lock(*Proof)).endswith("_repeated")


@pytest.mark.parametrize("required", [set(pair) for size in range(4) for pair in combinations(Proof, size)])
def test_only_the_required_proofs_are_asked_for(required: set[Proof]) -> None:
    verified = verify(a_request(), a_lock(*required), now=NOW)
    assert {proof.split(":")[0] for proof in verified.by} == required
    assert verified.document_id == ("doc_abc" if Proof.TOKEN in required else "")


def test_a_job_from_elsewhere_passes_without_a_token_only_by_the_other_proofs() -> None:
    adopted = a_request(drop="x-mailroom-token")
    assert verify(adopted, a_lock(*Proof, adopt=True), now=NOW).by == ("headers:0", "signature:0", "adopted")
    assert cause(adopted, a_lock(Proof.TOKEN, adopt=True)) == "token_missing"
    assert cause(a_request(token_with=b"nobody"), a_lock(*Proof, adopt=True)) == "token_key_unknown"
    unsigned = Inbound([pair for pair in adopted.headers if pair[0] != b"lc-signature"], BODY)
    assert cause(unsigned, a_lock(*Proof, adopt=True)) == "signature_missing"


@pytest.mark.parametrize(
    "request_",
    [
        a_request(),
        a_request(key=b"wrong"),
        a_request(drop="x-team"),
        a_request(token_with=b"nobody"),
        a_request(drop="x-mailroom-token"),
        a_request(drop="lc-signature"),
        a_request(signed_with=b"nobody"),
        a_request(key=b"wrong", token_with=b"nobody", drop="lc-signature"),
    ],
)
def test_whatever_is_wrong_the_same_work_is_done(request_: Inbound, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[bytes] = []

    class Mac:
        def update(self, piece: bytes) -> None:
            fed.append(piece)

        def hexdigest(self) -> str:
            fed.append(b"digest")
            return "00"

    monkeypatch.setattr(token, "keyed", lambda secret: Mac())  # noqa: ARG005
    tokens: list[bytes] = []
    read = token.read_token

    def noted(given: bytes, secrets: tuple[bytes, ...], *, now: float) -> tuple[str, int]:
        tokens.append(given)
        return read(given, secrets, now=now)

    monkeypatch.setattr(token, "read_token", noted)
    proving = Proving(request_, a_lock(*Proof), now=NOW)
    proving.feed(BODY)
    with pytest.raises(NotAuthentic):
        proving.verified([BODY])
    assert fed.count(BODY) == len(SECRETS), "the body is signed with every secret"
    assert len(tokens) == len(request_.values(b"x-mailroom-token")), "a token that is there is read"


@given(st.binary(), st.binary(), st.binary())
def test_any_bytes_in_a_header_are_refused_and_never_an_accident(key: bytes, signature: bytes, made: bytes) -> None:
    headers = [(b"x-key", key), (b"x-team", b"mail"), (b"lc-signature", signature), (b"x-mailroom-token", made)]
    for proof in Proof:
        if proof is not Proof.HEADERS or key not in HEADERS[b"x-key"]:
            assert cause(Inbound(headers, BODY), a_lock(proof))


def test_the_signature_is_the_documented_one() -> None:
    # HMAC-SHA256, RFC 4231 test case 2.
    expected = b"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", b"Jefe") == expected


def test_neither_the_lock_nor_what_it_let_pass_shows_secrets_or_the_body() -> None:
    shown = repr(a_lock(*Proof)) + repr(verify(a_request(), a_lock(*Proof), now=NOW))
    assert "s-new" not in shown
    assert "event_id" not in shown
