"""Rules for secrets, which settings check before anything starts, and renewals while it runs.

A broken rule raises Misconfigured, which names the variable and never the value.
"""

from collections.abc import Iterable
from itertools import chain

from receiver.core import forms, header_map
from receiver.core.errors import Misconfigured
from receiver.core.forms import Wrong
from receiver.core.verify_webhook import Proof, WebhookSecrets

SHORTEST = 16
"""Minimum bytes. A shorter secret can be guessed, or was typed as a test."""
HEADERS = "MAILROOM_WEBHOOK_HEADERS"


def secret_list(variable: str, text: str) -> tuple[bytes, ...]:
    """The secrets of a comma-separated list; () if nothing is set."""
    try:
        return tuple(part.encode() for part in forms.split_list(text)) if text else ()
    except Wrong as wrong:
        raise Misconfigured(f"{variable} {wrong}", fix=wrong.fix) from None


def accepted_headers(text: str) -> dict[str, list[str]]:
    """The static headers: name -> accepted values, of which the first is sent; {} if nothing is set."""
    try:
        return header_map.read_header_map(text) if text else {}
    except Wrong as wrong:
        raise Misconfigured(f"{HEADERS} {wrong}", fix=wrong.fix) from None


def refuse_short(variable: str, values: Iterable[bytes]) -> None:
    """Raises Misconfigured for a secret that could be guessed."""
    for place, value in enumerate(values, 1):
        if len(value) < SHORTEST:
            raise Misconfigured(
                f"{variable}: secret {place} is shorter than {SHORTEST} bytes",
                fix="python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes a good one "
                "(for tests: MAILROOM_ALLOW_UNVERIFIED=true)",
            )


def refuse_guessable(secrets: WebhookSecrets) -> None:
    """Raises Misconfigured if one of these secrets could be guessed."""
    refuse_short("MAILROOM_TOKEN_SECRETS", secrets.token_secrets)
    refuse_short("MAILROOM_SIGNING_SECRETS", secrets.signing_secrets)
    refuse_short(HEADERS, chain.from_iterable(secrets.headers.values()))


def required_proofs(text: str, secrets: WebhookSecrets) -> frozenset[Proof]:
    """The proofs that MAILROOM_REQUIRE asks for. Raises Misconfigured for one without a secret."""
    values = {
        Proof.HEADERS: secrets.headers,
        Proof.TOKEN: secrets.token_secrets,
        Proof.SIGNATURE: secrets.signing_secrets,
    }
    configured = frozenset(proof for proof, there in values.items() if there)
    if text == "configured":
        return configured
    named = {part.strip() for part in text.split(",") if part.strip()}
    if unknown := named - set(Proof):
        raise Misconfigured(f"MAILROOM_REQUIRE: {', '.join(sorted(unknown))} is none of {', '.join(Proof)}")
    if missing := sorted(named - configured):
        raise Misconfigured(f"MAILROOM_REQUIRE asks for {', '.join(missing)}, but no secret for it is configured")
    return frozenset(map(Proof, named))


def refuse_other_proofs(before: WebhookSecrets, after: WebhookSecrets) -> None:
    """Raises Misconfigured if events would need other proofs than when the process started."""
    asked, asks = _asked(before), _asked(after)
    if gone := sorted(asked - asks):
        raise Misconfigured(f"{', '.join(gone)} would no longer be required", fix=_FIX)
    if more := sorted(asks - asked):
        raise Misconfigured(f"{', '.join(more)} would become required, but running jobs do not send it", fix=_FIX)


def _asked(secrets: WebhookSecrets) -> set[str]:
    names = secrets.headers if Proof.HEADERS in secrets.required else ()
    return {*secrets.required, *(f"the header {name.decode()}" for name in names)}


_FIX = "restore the secret; required proofs change only at a restart"


def decoded(variable: str, path: str, content: bytes) -> str:
    """The text of a secret's file."""
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Misconfigured(f"{variable}: {path} is not UTF-8 text") from None
    return filled(variable, path, text)


def filled(variable: str, source: str, text: str) -> str:
    """The text for this variable. Raises Misconfigured if it is empty, because then no proof would be required."""
    if not text:
        raise Misconfigured(
            f"{variable}: {source} is empty",
            fix="write the new value to another file and rename it into place; to use none, unset the variable",
        )
    return text
