"""A notice: what a channel sends. Every channel sends the same content, each in its own form."""

from dataclasses import dataclass
from enum import StrEnum

from receiver.core.alert import Severity
from receiver.core.incident import Example


class NoticeStatus(StrEnum):
    """The state of the incident that a notice reports."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    """It is known to be over."""
    QUIET = "quiet"
    """Nothing happened for a while, and Mailroom cannot know whether it is over."""
    DIGEST = "digest"
    """Other causes, beyond the channel's ceiling, reported together."""
    TEST = "test"
    """A person tests the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLine:
    """One of several incidents in a digest."""

    key: str
    severity: Severity
    title: str
    count: int
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent. ``key`` (the fingerprint) is the same for all notices of an incident, and of later incidents of its
    cause.
    """

    id: str
    """The same if the notice is sent again because it may not have arrived; a reader may drop the second one."""
    status: NoticeStatus
    severity: Severity
    kind: str
    key: str
    title: str
    number: int = 1
    """Which incident of this key it is."""
    cause: str = ""
    detail: str = ""
    """The unchanged message of LlamaCloud, or of the partner that refused."""
    tried: str = ""
    fix: str = ""
    commands: tuple[str, ...] = ()
    count: int = 1
    unmended: int = 0
    """Occurrences that are not fixed yet."""
    examples: tuple[Example, ...] = ()
    opened_at: float
    last_at: float
    closed_at: float | None = None
    at: float
    """When this notice was made."""
    reminder: bool = False
    acknowledged_by: str = ""
    others: tuple[DigestLine, ...] = ()
    """Of a digest: the worst of its incidents; ``count`` says how many there are."""
    link: str = ""
    """The incident on the operator's page; "" where MAILROOM_OPERATOR_URL is not set."""
    document_link: str = ""
    site: str = ""
    """Which Mailroom sends it: the host of its page or of its receiver."""
    thread: str = ""
    """What the channel returned for the first notice of this incident; "" for a first one."""
    only: tuple[str, ...] = ()
    """The addresses that get it, of a channel that has several; () for all."""
    without: tuple[str, ...] = ()
    """The addresses that do not get it, because they got no earlier notice of the incident."""

    @property
    def subject(self) -> str:
        """The document that is the example."""
        return self.examples[0].document_id if self.examples else ""

    @property
    def job_id(self) -> str:
        """The example's job."""
        return self.examples[0].job_id if self.examples else ""

    @property
    def over(self) -> bool:
        """Whether it says that the incident is over."""
        return self.status is NoticeStatus.RESOLVED or (self.status is NoticeStatus.DIGEST and not self.count)
