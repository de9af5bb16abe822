"""Everything that can be chosen when a sandbox is started, in one place."""

from dataclasses import dataclass, field
from pathlib import Path

from llamacloud_sandbox.faults import Switch

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a sandbox behaves. The defaults are those of the command line."""

    keys: tuple[str, ...] = ()  # accepted API keys; none = any non-empty one
    state: Path | None = None  # folder that survives a restart; None = memory and a temporary folder
    contract: bool = False  # answer fixtures where a stateful server would refuse (the vendor's own tests need it)
    think_seconds: float = 0.3  # how long a job takes, besides the work itself
    judge: str = "lexical"  # or scripted:FILE
    ocr: bool = False
    allow_loopback: bool = True  # False: webhook targets must be public addresses, as at LlamaCloud
    seed: int = 0
    faults: dict[str, Switch] = field(default_factory=dict)
    limits: bool = True  # the vendor's rate limits: 40 classify creations a second, 50 uploads in 5 seconds
    credits: float | None = None  # a budget; used up = 402
    daily_cap: float | None = None  # credits a UTC day and project; reached = 402 with a text of its own
    mask_headers: bool = False  # header values of saved webhooks come back masked; how the vendor does is not published
    file_lifetime_seconds: float | None = None  # uploaded files expire after it
    max_file_bytes: int = 512 * MEGABYTE
    retry_delays: tuple[float, ...] = (1.0, 2.0)  # seconds before the webhook's second and third attempt
    webhook_timeout_seconds: float = 30.0
    workers: int = 2  # threads that read and judge
    public_url: str | None = None  # base of presigned links; None = the Host header of the request
