"""mailroom trigger: sends a correctly signed sample event to a receiver, and prints the response."""

import os
import time
import uuid

import click
import httpx

from receiver.cli.numbers import Number, WholeNumber
from receiver.cli.output import print_json, say
from receiver.cloud.environment import refuse_environment
from receiver.core.connection_fault import connection_fault
from receiver.core.errors import Misconfigured
from receiver.core.sample import Proofs, Sample, proof_headers
from receiver.read_settings import from_environ
from receiver.settings import Settings

SECRET_HEADERS = {"lc-signature", "x-mailroom-token"}


@click.command(short_help="Send a correctly signed sample event to a receiver.")
@click.argument("event")
@click.option("--to", help="The receiver's webhook URL; by default that of MAILROOM_PUBLIC_URL.")
@click.option("--job", "job_id", help="The job id of the event; random by default.")
@click.option("--type", "found_type", help="Matched type in data.result; Mailroom ignores it and fetches the job.")
@click.option("--confidence", type=Number(0, 1), help="Confidence in data.result.")
@click.option(
    "--duplicates", default=0, show_default=True, type=WholeNumber(0, 1000), help="Resend the event N more times."
)
@click.option(
    "--string", "as_string", is_flag=True, help="Double-encode the body, as webhook_output_format `string` does."
)
@click.option("--id-only", is_flag=True, help="Put the job id in data.id only.")
@click.option("--wrong-signature", is_flag=True, help="Send an invalid signature.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trigger(
    event: str,
    to: str | None,
    job_id: str | None,
    found_type: str | None,
    confidence: float | None,
    duplicates: int,
    as_string: bool,
    id_only: bool,
    wrong_signature: bool,
    as_json: bool,
) -> None:
    """Send EVENT (classify.success, split.error, or any other) as LlamaCloud would, signed with the configured secrets.

    It prints the request and the response. Exit 1 if the response is not 2xx.
    """
    settings = from_environ()
    refuse_environment(os.environ)
    result = None if found_type is None and confidence is None else {"type": found_type, "confidence": confidence}
    sample = Sample(
        event_id=str(uuid.uuid4()),
        type=event,
        job_id=job_id or f"job-{uuid.uuid4()}",
        timestamp=time.time(),
        result=result,
        as_string=as_string,
        id_only=id_only,
    )
    proofs = proofs_of(settings, wrong_signature=wrong_signature)
    answers = send(sample, proofs, to or _own(settings), times=1 + duplicates)
    _print(sample, proofs, answers, as_json=as_json)
    raise SystemExit(0 if all(answer.is_success for answer in answers) else 1)


def _own(settings: Settings) -> str:
    if not settings.public_url or not settings.gets_webhooks:
        raise Misconfigured("give --to URL, or set MAILROOM_PUBLIC_URL")
    return settings.webhook_url


def proofs_of(settings: Settings, *, wrong_signature: bool = False, document_id: str = "sample") -> Proofs:
    """The proofs that LlamaCloud would send: by the first secret of each kind."""
    lock = settings.webhook_secrets()
    return Proofs(
        headers={name: values[0] for name, values in settings.headers().items()},
        token_secret=lock.token_secrets[0] if lock.token_secrets else b"",
        signing_secret=lock.signing_secrets[0] if lock.signing_secrets else b"",
        document_id=document_id,
        wrong_signature=wrong_signature,
    )


def send(sample: Sample, proofs: Proofs, url: str, *, times: int = 1) -> list[httpx.Response]:
    """The receiver's response. Raises Misconfigured if there is none."""
    body = sample.body()
    with httpx.Client(timeout=30.0) as client:
        try:
            return [client.post(url, content=body, headers=proof_headers(sample, body, proofs)) for _ in range(times)]
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Misconfigured(f"{url} is not a URL", fix="write it like https://mail.example.com") from error
        except httpx.HTTPError as error:
            raise Misconfigured(
                f"no response from {url}: {connection_fault(error)}",
                fix="check that the receiver is running at this address",
            ) from error


def _print(sample: Sample, proofs: Proofs, answers: list[httpx.Response], *, as_json: bool) -> None:
    body = sample.body()
    shown = {
        name: "(set)" if name.lower() in SECRET_HEADERS or name in proofs.headers else value
        for name, value in proof_headers(sample, body, proofs).items()
    }
    if as_json:
        received = [{"status": item.status_code, "body": item.text} for item in answers]
        print_json({"url": str(answers[0].url), "headers": shown, "body": body.decode(), "answers": received})
        return
    say(f"POST {answers[0].url}")
    for name, value in shown.items():
        say(f"  {name}: {value}")
    say(f"  {body.decode()}")
    for answer in answers:
        say(f"{answer.status_code} {answer.reason_phrase} {answer.text}")
