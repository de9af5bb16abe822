"""After a deployment: an event of ours through the public address, signed as LlamaCloud signs, and one that is not."""

import time
import uuid
from collections.abc import Callable, Mapping

import httpx

from receiver.core.sample import Proofs, Sample, proof_headers
from receiver.secret_rules import accepted_headers, secret_list
from scripts.deploying.finding import Finding, fault, right

EVENT = "mailroom.doctor"
ATTEMPTS, PAUSE_SECONDS, REQUEST_SECONDS = 12, 5.0, 30.0
"""IAM and a new API take some seconds to be known everywhere; a new domain's record may take a minute."""
FIXES = {
    401: "the functions read other secrets than the stage's: look at the log of `receive`, event auth.refused",
    403: "something in front refuses: a proxy, a firewall, or the function URL's permission",
    404: "the address leads elsewhere: check public_url or domain, and the record of the domain",
    429: "the throttle is too low for one request: raise throttle.public_rate",
    503: "`receive` cannot write the table: look at its log",
}


def proofs_from(secrets: Mapping[str, str], *, wrong: bool = False) -> Proofs:
    """What LlamaCloud would send: the first of each kind of secret."""
    accepted = accepted_headers(secrets["MAILROOM_WEBHOOK_HEADERS"])
    return Proofs(
        headers={name: texts[0] for name, texts in accepted.items()},
        token_secret=secret_list("MAILROOM_TOKEN_SECRETS", secrets["MAILROOM_TOKEN_SECRETS"])[0],
        signing_secret=secret_list("MAILROOM_SIGNING_SECRETS", secrets["MAILROOM_SIGNING_SECRETS"])[0],
        document_id="self-test",
        wrong_signature=wrong,
    )


def self_test(
    url: str,
    secrets: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> list[Finding]:
    """What the receiver at this public address answers: 202 to an event with every proof, 401 to a forged one."""
    address = f"{url.rstrip('/')}/webhooks/llamacloud"
    with httpx.Client(timeout=REQUEST_SECONDS) as client:
        found = _tried(client, address, proofs_from(secrets), 202, sleep, now)
        if found.severity == "error":
            return [found]
        return [found, _tried(client, address, proofs_from(secrets, wrong=True), 401, sleep, now)]


def _tried(
    client: httpx.Client,
    address: str,
    proofs: Proofs,
    expected: int,
    sleep: Callable[[float], None],
    now: Callable[[], float],
) -> Finding:
    what = f"POST {address} with {'a wrong signature' if proofs.wrong_signature else 'every proof'}"
    sample = Sample(event_id=str(uuid.uuid4()), type=EVENT, job_id="", timestamp=now())
    said = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(PAUSE_SECONDS)
        try:
            body = sample.body()
            answer = client.post(address, content=body, headers=proof_headers(sample, body, proofs))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said, fix = (
                f"no answer ({str(error) or type(error).__name__})",
                "check public_url or domain, and its record",
            )
            continue
        if answer.status_code in {expected, 200 if expected == 202 else expected}:
            return right(f"{what}: {answer.status_code} {answer.reason_phrase}")
        said, fix = (
            f"{answer.status_code} {answer.text[:200]}",
            FIXES.get(answer.status_code, "look at the log of `receive`"),
        )
    return fault(f"{what}: {said}", fix)
