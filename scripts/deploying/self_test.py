"""After a deployment: an event of ours through the public address, signed as LlamaCloud signs, and one that is not.

With a queue in front of `receive` the public address acknowledges everything. Then the test waits until the event is
stored, and sends the forged one past the queue.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from receiver.core.sample import Proofs, Sample, is_only_queued, proof_headers
from receiver.secret_rules import accepted_headers, secret_list
from scripts.deploying.finding import Finding, fault, right

EVENT = "mailroom.doctor"
DOCUMENT = "self-test"
ATTEMPTS, PAUSE_SECONDS, REQUEST_SECONDS = 12, 5.0, 30.0
"""IAM and a new API take some seconds to be known everywhere; a new domain's record may take a minute."""
FIXES = {
    401: "the functions read other secrets than the stage's: look at the log of `receive`, event auth.refused",
    413: "the queue does not take it: does it exist, is its limit that of SQS?",
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
        document_id=DOCUMENT,
        wrong_signature=wrong,
    )


def self_test(
    url: str,
    secrets: Mapping[str, str],
    *,
    direct: str,
    is_stored: Callable[[str], bool],
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> list[Finding]:
    """What the receiver at this public address answers: 202 to an event with every proof, 401 to a forged one.

    Where a queue is in front, ``is_stored`` says whether the event with this id is stored, and ``direct`` is the
    address of `receive` itself.
    """
    with httpx.Client(timeout=REQUEST_SECONDS) as client:
        trial = _Trial(client, secrets, sleep, now)
        found = trial.of_signed(url)
        if found.severity == "error":
            return [found]
        if not trial.queued:
            return [found, trial.of_forged(url)]
        arrived = trial.of_arrival(is_stored)
        return [found, arrived, trial.of_forged(direct)] if arrived.severity == "ok" else [found, arrived]


@dataclass
class _Trial:
    client: httpx.Client
    secrets: Mapping[str, str]
    sleep: Callable[[float], None]
    now: Callable[[], float]
    event_id: str = ""
    queued: bool = False
    """Whether the last answer came from a queue, which verifies nothing."""

    def of_signed(self, url: str) -> Finding:
        return self._tried(url, proofs_from(self.secrets), {202, 200})

    def of_forged(self, url: str) -> Finding:
        return self._tried(url, proofs_from(self.secrets, wrong=True), {401})

    def of_arrival(self, is_stored: Callable[[str], bool]) -> Finding:
        """Whether `receive` stores the event that was queued."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(PAUSE_SECONDS)
            if is_stored(self.event_id):
                return right("the event came through the queue, and is stored")
        what = f"the event was queued, and is not stored {ATTEMPTS * PAUSE_SECONDS:.0f} s later"
        fix = "is the event source of `receive` enabled? Look at its log: event.refused, message.unreadable"
        return fault(what, fix)

    def _tried(self, url: str, proofs: Proofs, expected: set[int]) -> Finding:
        address = f"{url.rstrip('/')}/webhooks/llamacloud"
        what = f"POST {address} with {'a wrong signature' if proofs.wrong_signature else 'every proof'}"
        said = fix = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(PAUSE_SECONDS)
            try:
                answer = self._sent(address, proofs)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                said = f"no answer ({str(error) or type(error).__name__})"
                fix = "check public_url or domain, and its record"
                continue
            if answer.status_code in expected:
                return right(f"{what}: {answer.status_code} {answer.reason_phrase}")
            said = f"{answer.status_code} {answer.text[:200]}"
            fix = FIXES.get(answer.status_code, "look at the log of `receive`")
        return fault(f"{what}: {said}", fix)

    def _sent(self, address: str, proofs: Proofs) -> httpx.Response:
        self.event_id = self.event_id or str(uuid.uuid4())
        event_id = str(uuid.uuid4()) if proofs.wrong_signature else self.event_id
        sample = Sample(event_id=event_id, type=EVENT, job_id="", timestamp=self.now())
        body = sample.body()
        answer = self.client.post(address, content=body, headers=proof_headers(sample, body, proofs))
        self.queued = is_only_queued(answer.status_code, answer.text)
        return answer
