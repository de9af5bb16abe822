"""Every setting, once: its variable, its type, its default and what it means. The reference page is checked against it.

receiver/read_settings.py reads them. The model is msgspec's, not pydantic's, because the receiving function loads it on
every cold start (docs/decisions.md).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from receiver import secret_rules
from receiver.core import forms
from receiver.core.errors import Misconfigured
from receiver.core.forms import Form, Wrong, number
from receiver.core.header_map import HEADERS
from receiver.core.secret import Secret as Secret
from receiver.core.timers import LEASE, LONGEST_LEASE, STOP
from receiver.core.verify_webhook import Proof, WebhookSecrets

if TYPE_CHECKING:
    from receiver.core.operators import Operators

MIB = 1024 * 1024


def _about(text: str, form: Form) -> msgspec.Meta:
    return msgspec.Meta(description=text, extra={"form": form})


def _operators(text: str) -> None:
    from receiver.core.operators import read_operators  # the function that receives events does without

    read_operators(text)


def _sign_in(text: str) -> None:
    from receiver.core.proxy_proof import read_sign_in  # the same

    read_sign_in(text)


def _proxies(text: str) -> None:
    from receiver.core.proxy_proof import read_proxies  # the same

    read_proxies(text)


SIGN_IN = Form("`header:NAME`, `alb:ARN` of the load balancer, or `cloudflare:TEAM.cloudflareaccess.com/AUD`", _sign_in)
PROXIES = Form("comma-separated addresses and networks, `127.0.0.1, 10.0.3.0/24`", _proxies)
OPERATORS = Form(
    'a JSON object, `{"ann": {"role": "operator", "token_sha256": "…"}}`, as `mailroom operators` writes it',
    _operators,
    lines=True,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the environment says. Field ``store`` is read from ``MAILROOM_STORE``, and so on."""

    llama_cloud_api_key: Annotated[
        Secret, _about("LlamaCloud API key (`LLAMA_CLOUD_API_KEY`, the SDK's own name)", forms.TOKEN)
    ] = Secret("")
    llama_cloud_base_url: Annotated[
        str,
        _about(
            "LlamaCloud's address (`LLAMA_CLOUD_BASE_URL`); the EU region is https://api.cloud.eu.llamaindex.ai",
            forms.API_URL,
        ),
    ] = "https://api.cloud.llamaindex.ai"
    llama_cloud_project_id: Annotated[
        str,
        _about(
            "The LlamaCloud project to work in, sent with every call; without it LlamaCloud uses the key's project",
            forms.VENDOR_ID,
        ),
    ] = ""
    llama_cloud_organization_id: Annotated[
        str, _about("The organization of that project, sent with every call", forms.VENDOR_ID)
    ] = ""
    config: Annotated[str, _about("The routing table and rules: path of `mailroom.yaml`", forms.PATH)] = "mailroom.yaml"
    shadow_config: Annotated[
        str,
        _about(
            "Another file like `mailroom.yaml`, whose table runs in parallel with the real one and delivers "
            "nothing; `mailroom routes shadow` lists where it differs",
            forms.PATH,
        ),
    ] = ""
    public_url: Annotated[
        str,
        _about(
            "Where LlamaCloud can reach the receiver, for instance https://mail.example.com; `none` where it cannot: "
            "jobs are created without a webhook, and `mailroom listen` asks for their results",
            forms.PUBLIC_SITE,
        ),
    ] = ""
    allow_http: Annotated[
        bool,
        _about(
            "Allow `http://` to and from LlamaCloud, which exposes headers and tokens to the network; this "
            "machine's own addresses are always allowed",
            forms.BOOLEAN,
        ),
    ] = False
    webhook_headers: Annotated[
        Secret,
        _about(
            "Static headers: header name -> list of accepted values, at least 16 bytes each; LlamaCloud gets the first",
            HEADERS,
        ),
    ] = Secret("")
    token_secrets: Annotated[
        Secret,
        _about(
            "Secrets for per-job tokens, at least 16 bytes each; the first one signs, all are accepted", forms.SECRETS
        ),
    ] = Secret("")
    signing_secrets: Annotated[
        Secret,
        _about(
            "Secrets for LC-Signature, at least 16 bytes each; LlamaCloud gets the first, all are accepted",
            forms.SECRETS,
        ),
    ] = Secret("")
    require: Annotated[
        str,
        _about(
            "Which proofs an event must carry; `configured` means all that have secrets. Read at start; renewing "
            "secrets does not change it",
            forms.some_of(tuple(map(str, Proof)), alone="configured"),
        ),
    ] = "configured"
    adopt: Annotated[
        bool,
        _about(
            "Accept events of jobs that were created elsewhere; they carry no token, so the other proofs must suffice",
            forms.BOOLEAN,
        ),
    ] = False
    late_after: Annotated[
        float,
        _about(
            "Age in seconds at which an event counts as late, by its own timestamp: it is stored and flagged; 0 "
            "turns this off",
            number(0, 30 * 86400),
        ),
    ] = 0.0
    allow_unverified: Annotated[
        bool,
        _about(
            "Start without secrets, accepting every event, or with short secrets; never in production",
            forms.BOOLEAN,
        ),
    ] = False
    store: Annotated[str, _about("Where events, documents, jobs and tasks are stored", forms.STORE)] = (
        "sqlite:///mailroom.db"
    )
    queue: Annotated[str, _about("The task queue", forms.TASK_QUEUE)] = "local://"
    spool: Annotated[
        str,
        _about(
            "Where documents' bytes are stored until they are delivered; empty means a folder `spool` beside the "
            "SQLite file. Required with `dynamodb://`: a folder only if all processes share it",
            forms.SPOOL,
        ),
    ] = ""
    inbox: Annotated[str, _about("The S3 inbox: the queue of its notifications; the worker polls it", forms.INBOX)] = ""
    inbox_buckets: Annotated[
        str,
        _about(
            "The buckets of the S3 inbox, with the prefix (`bucket/prefix/`) if only that sends notifications; a "
            "message about any other place is rejected and ends in the dead-letter queue",
            forms.BUCKETS,
        ),
    ] = ""
    inbox_source: Annotated[
        Literal["left", "copied", "moved"],
        _about(
            "What happens to an object in the inbox: `left` in place and read from there, `copied` to the spool, or "
            "`moved` there",
            forms.choice("left", "copied", "moved"),
        ),
    ] = "left"
    watched: Annotated[
        str,
        _about(
            "The folders that `mailroom watch` watches; Mailroom refuses destinations and spools inside them, which "
            "would be submitted again",
            forms.FOLDERS,
        ),
    ] = ""
    admin_token: Annotated[
        Secret,
        _about(
            "Bearer token of an operator without a name, in the role admin, at least 16 bytes; without it and without "
            "MAILROOM_OPERATORS, the operator's API and page are disabled",
            forms.TOKEN,
        ),
    ] = Secret("")
    operators: Annotated[
        Secret,
        _about(
            "The operators by name, with their roles and the SHA-256 of their tokens; usually MAILROOM_OPERATORS_FILE, "
            "the file that `mailroom operators` writes",
            OPERATORS,
        ),
    ] = Secret("")
    sign_in: Annotated[
        str,
        _about(
            "How a proxy in front of the operator's side proves whom it signed in: docs/proxies.md; empty means that "
            "people sign in with tokens",
            SIGN_IN,
        ),
    ] = ""
    proxies: Annotated[str, _about("The addresses from which the header of MAILROOM_SIGN_IN is accepted", PROXIES)] = ""
    session_hours: Annotated[
        float, _about("Hours until a session of the operator's page ends in any case", number(0.01, 720))
    ] = 12.0
    session_idle_minutes: Annotated[
        float,
        _about(
            "Minutes after which a session ends if it is not used; a page that is visible uses it", number(0.1, 43200)
        ),
    ] = 60.0
    operator_address: Annotated[
        str,
        _about(
            "Where `mailroom serve` listens for operators (page, API, uploads, `/metrics`); port 0 picks a free "
            "port, empty turns it off",
            forms.ADDRESS,
        ),
    ] = "127.0.0.1:8081"
    server: Annotated[
        str,
        _about(
            "For the command line: the operator's side of a Mailroom elsewhere, for instance "
            "https://mailroom.example.com; `--server` before the command does the same",
            forms.API_URL,
        ),
    ] = ""
    server_token: Annotated[
        Secret, _about("For the command line: the token for that server; never an argument", forms.TOKEN)
    ] = Secret("")
    documents_url: Annotated[
        str,
        _about(
            "Where consumers of messages can reach the operator's API, for instance https://documents.example.com; "
            "a message about a document without another location then has a signed link to it",
            forms.SITE,
        ),
    ] = ""
    link_days: Annotated[float, _about("Days until such a link expires", number(0.01, 365))] = 7.0
    operator_url: Annotated[
        str,
        _about(
            "Where people reach the operator's page, for instance https://mailroom.example.com: alerts link to it, "
            "and on loopback the operator's API accepts this host name too",
            forms.API_URL,
        ),
    ] = ""
    heartbeat_url: Annotated[
        Secret,
        _about(
            "Heartbeat URL of a watchdog (healthchecks.io, Uptime Kuma, …), called after each sweep; the watchdog "
            "alerts you when the calls stop, which they also do while no alert channel works",
            forms.WATCHDOG,
        ),
    ] = Secret("")
    app: Annotated[str, _about("Import string of the composition root", forms.IMPORT)] = "handlers.app:build"
    max_body: Annotated[int, _about("Maximum size of a webhook body in bytes", number(1024, 100 * MIB, whole=True))] = (
        10 * MIB
    )
    body_seconds: Annotated[float, _about("Maximum seconds to receive the body of an event", number(0.1, 300))] = 10.0
    max_upload: Annotated[
        int,
        _about(
            "Maximum size of an uploaded document in bytes; LlamaCloud accepts 512 MB", number(1, 512 * MIB, whole=True)
        ),
    ] = 512 * MIB
    sweep_seconds: Annotated[
        float,
        _about("Seconds between two sweeps: how late Mailroom can notice a missed webhook", number(0.1, 86400)),
    ] = 60.0
    lease_seconds: Annotated[
        float,
        _about(
            "Seconds after which another worker takes over a task whose lease was not renewed; at most 120, so that "
            "a FIFO queue still deduplicates the repeated message",
            number(1, LONGEST_LEASE),
        ),
    ] = LEASE
    step_seconds: Annotated[
        float,
        _about(
            "Maximum seconds for one task attempt; a longer one is stopped and counts as failed",
            number(1, 86400),
        ),
    ] = 900.0
    stop_seconds: Annotated[
        float,
        _about(
            "Seconds for a shutdown (SIGTERM, SIGINT); running requests and tasks get two thirds of it, then they "
            "are stopped and another worker repeats the tasks",
            number(3, 3600),
        ),
    ] = STOP
    concurrency: Annotated[
        int,
        _about(
            "Tasks that one worker runs at the same time; those that take more than two seconds are not counted",
            number(1, 1000, whole=True),
        ),
    ] = 32
    upload_limit: Annotated[
        int,
        _about(
            "File uploads in any 5 seconds that LlamaCloud allows your project; 0 means no limit",
            number(0, 10_000, whole=True),
        ),
    ] = 50
    job_limit: Annotated[
        int,
        _about(
            "Job creations in any second that LlamaCloud allows your project; 0 means no limit",
            number(0, 10_000, whole=True),
        ),
    ] = 40
    request_limit: Annotated[
        int,
        _about(
            "Requests to LlamaCloud in any minute that your plan allows: 20 on the free plan; 0 means no limit",
            number(0, 100_000, whole=True),
        ),
    ] = 0
    smtp_url: Annotated[Secret, _about("SMTP server of `mailto:` alerts", forms.SMTP)] = Secret("")
    group_access: Annotated[
        Literal["none", "read", "write"],
        _about(
            "Group access to files and folders that Mailroom creates: store, spool, delivered files, manifests, "
            "backups. Other users never have access",
            forms.choice("none", "read", "write"),
        ),
    ] = "none"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _about("Lowest level to log", forms.choice("debug", "info", "warning", "error")),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"],
        _about(
            "How the log is written: `json` lines for programs, `text` for people, or `auto`: text on a terminal, "
            "JSON elsewhere",
            forms.choice("auto", "json", "text"),
        ),
    ] = "auto"

    @property
    def gets_webhooks(self) -> bool:
        """Whether LlamaCloud can reach a receiver of this installation."""
        return self.public_url != forms.NO_WEBHOOKS

    @property
    def webhook_url(self) -> str:
        """The URL of the webhook; "" where LlamaCloud can reach nobody."""
        return f"{self.public_url.rstrip('/')}/webhooks/llamacloud" if self.gets_webhooks else ""

    def site(self) -> str:
        """Which Mailroom this is, in notices: the host of its page, or of its receiver; "" for neither."""
        return urlsplit(self.operator_url or self.public_url).hostname or ""

    def operator_listens(self) -> tuple[str, int] | None:
        """Host and port of the operator's side; None where it is off. Raises Misconfigured."""
        if not self.operator_address:
            return None
        try:
            return forms.checked_address(self.operator_address)
        except Wrong as wrong:
            raise Misconfigured(f"MAILROOM_OPERATOR_ADDRESS={self.operator_address} {wrong}", fix=wrong.fix) from None

    def headers(self) -> dict[str, list[str]]:
        """The static headers as they were written: name -> accepted values, the first one is sent."""
        return secret_rules.accepted_headers(self.webhook_headers.reveal())

    def webhook_secrets(self) -> WebhookSecrets:
        """The secrets that verify events. Raises Misconfigured without any, unless MAILROOM_ALLOW_UNVERIFIED is set."""
        headers = {name.lower().encode(): tuple(v.encode() for v in values) for name, values in self.headers().items()}
        secrets = WebhookSecrets(
            headers=headers,
            token_secrets=secret_rules.secret_list("MAILROOM_TOKEN_SECRETS", self.token_secrets.reveal()),
            signing_secrets=secret_rules.secret_list("MAILROOM_SIGNING_SECRETS", self.signing_secrets.reveal()),
            adopt=self.adopt,
        )
        if not self.allow_unverified:
            secret_rules.refuse_guessable(secrets)
        required = secret_rules.required_proofs(self.require, secrets)
        if not required and not self.allow_unverified and self.gets_webhooks:
            raise Misconfigured(
                "no secret is configured, so anyone could send events: set MAILROOM_WEBHOOK_HEADERS, "
                "MAILROOM_TOKEN_SECRETS or MAILROOM_SIGNING_SECRETS (for tests: MAILROOM_ALLOW_UNVERIFIED=true)"
            )
        return replace(secrets, required=required)

    def operator_token(self) -> Secret:
        """The operator's token, empty where there is none. Raises Misconfigured for one that can be guessed."""
        if self.admin_token and not self.allow_unverified:
            secret_rules.refuse_short("MAILROOM_ADMIN_TOKEN", [self.admin_token.reveal().encode()])
        return self.admin_token

    def known_operators(self) -> "Operators":
        """The operators by name. Raises Misconfigured."""
        from receiver.core.operators import read_operators

        try:
            return read_operators(self.operators.reveal() or "{}")
        except Wrong as wrong:
            raise Misconfigured(f"MAILROOM_OPERATORS {wrong}", fix=wrong.fix) from None

    def source_places(self) -> tuple[str, ...]:
        """Where mail is taken from: watched folders, and ``s3://bucket/prefix`` of the inbox."""
        return *listed(self.watched), *(f"s3://{item}" for item in listed(self.inbox_buckets))

    def summary(self) -> dict[str, str]:
        """Each variable and its value for the start-up line; of a secret only whether it is set."""
        shown = {}
        for name, variable in VARIABLES.items():
            value = getattr(self, name)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            shown[variable] = ("set" if value else "not set") if isinstance(value, Secret) else text
        return shown


def listed(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated text."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


VARIABLES: dict[str, str] = {
    name: name.upper() if name.startswith("llama_cloud_") else f"MAILROOM_{name.upper()}"
    for name in Settings.__struct_fields__
}
"""Field -> environment variable."""
FORMS: dict[str, Form] = {name: hint.__metadata__[0].extra["form"] for name, hint in Settings.__annotations__.items()}
"""Field -> what its value must look like."""
