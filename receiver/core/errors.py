"""What went wrong, sorted by what to do next.

MailroomError
|- Rejected         the sender is wrong: answer 4xx, keep nothing
|  |- NotAuthentic 401   Malformed 400   TooLarge 413   Unsupported 415   NotFound 404   NotAllowed 409
|  |- TooManyEvents 429   NotViewable 422
|- Transient        retry later (after ``retry_after`` seconds, if the service said so)
|  |- StoreBusy   CloudBusy   DestinationBusy   Paused   ReaderDied   CutOff   OutOfTime
|- CloudRefused     LlamaCloud refuses us, not the document: pause, alert once, go on by itself
|  |- KeyRefused   OutOfCredits   SettingsRefused   NotServed
|- Permanent        trying again cannot help: park and alert
|  |- JobGone   FileGone   DocumentRefused   Uncuttable   Unreadable   AccessDenied   DeliveryConflict   Unroutable
|- Misconfigured    refuse to start, exit 2, name the setting
|- Conflict         a record changed under us: read again and decide again

Every error that can park a task names its ``owner``, the one who can mend it, and a ``fix``, the next thing to do.
"""

from enum import StrEnum

from receiver.core import timers

Addresses = tuple[str, ...]


class Owner(StrEnum):
    """Who can mend it."""

    US = "us"
    VENDOR = "vendor"
    CONFIGURATION = "configuration"
    DOCUMENT = "document"


def error_text(error: BaseException) -> str:
    """The error's message; "" if the error cannot even be formatted."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  reporting a failure must not fail itself
        return ""


class MailroomError(Exception):
    """The base of all errors that Mailroom raises on purpose."""

    code = "error"
    owner = Owner.US
    fix = ""

    def __init__(self, message: str = "", *, fix: str = "") -> None:
        super().__init__(message or (self.__doc__ or self.code).split("\n", 1)[0])
        self.fix = fix or self.fix


def forget_frames(error: BaseException) -> None:
    """Releases the frames that this error came through, and the request's body in them.

    A stored error refers to its frames, and one of them to it: both would stay until the garbage collector runs.
    """
    left: list[BaseException | None] = [error]
    while left:
        item = left.pop()
        if item is not None and item.__traceback__ is not None:
            item.__traceback__ = None
            left += [item.__cause__, item.__context__]


class Rejected(MailroomError):
    """The request is invalid; nothing was stored."""

    code = "rejected"
    status = 400


class NotAuthentic(Rejected):
    """The request failed authentication.

    ``cause`` is for our log and metric only: the answer never says which check failed.
    """

    code = "not_authentic"
    status = 401

    def __init__(self, cause: str, message: str = "") -> None:
        super().__init__(message or f"not authentic: {cause}")
        self.cause = cause


class Malformed(Rejected):
    """The request cannot be read."""

    code = "malformed"


class NotFound(Rejected):
    """The resource does not exist."""

    code = "not_found"
    status = 404


class NotAllowed(Rejected):
    """The action is not allowed in the current state."""

    code = "not_allowed"
    status = 409


class TooLarge(Rejected):
    """The body is over the limit."""

    code = "too_large"
    status = 413


class Unsupported(Rejected):
    """This media type or encoding is not accepted."""

    code = "unsupported_media_type"
    status = 415


class NotViewable(Rejected):
    """The document cannot be shown, or its bytes cannot be read now; the message says why."""

    code = "not_viewable"
    status = 422


class TooManyEvents(Rejected):
    """Too many events about one document."""

    code = "too_many_events"
    status = 429

    def __init__(self, subject: str, *, retry_after: float, report: bool) -> None:
        """``report`` says whether this is to be logged: it is not, where a line about ``subject`` was just written."""
        super().__init__()
        self.subject = subject
        self.retry_after = retry_after
        self.report = report


class Transient(MailroomError):
    """A temporary failure; retry later."""

    code = "transient"
    most_attempts: int | None = None
    """Attempts after which it is given up, where the whole schedule would cost too much."""
    longest_delay: float | None = None
    """Seconds that may lie before the next attempt, where the schedule's delay could be too long."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class StoreBusy(Transient):
    """The store cannot write at the moment."""

    code = "store_busy"
    fix = "check the disk and the permissions of MAILROOM_STORE; Mailroom resumes by itself once it can write"


class CloudBusy(Transient):
    """LlamaCloud did not respond, or asked Mailroom to slow down."""

    code = "cloud_busy"
    owner = Owner.VENDOR
    fix = "no action needed: Mailroom retries; if it persists, check LlamaCloud's status page"


class DestinationBusy(Transient):
    """A destination did not accept the delivery at the moment."""

    code = "destination_busy"
    owner = Owner.CONFIGURATION
    fix = "check that the destination is up; Mailroom retries by itself"


class Unanswered(DestinationBusy):
    """The request was sent but got no response: whether it was accepted is unknown."""

    code = "unanswered"


class Paused(Transient):
    """The work is paused."""

    code = "paused"
    owner = Owner.CONFIGURATION


class ReaderDied(Transient):
    """The process that reads untrusted files crashed on this file, or timed out.

    Mailroom retries once, soon; after a second crash it treats the file as the cause.
    """

    code = "reader_died"
    owner = Owner.DOCUMENT
    fix = "check the document; fix it and submit it again, or route it by hand"
    longest_delay = 1.0
    """The steps take its second death for an answer, and that must not come hours later."""


class CutOff(Transient):
    """An attempt that did not finish: its process died, or its function timed out."""

    code = "cut_off"
    fix = "check the log for what ended the process (out of memory, killed, timed out), then: mailroom replay --parked"
    longest_delay = timers.CUT_OFF_DELAY
    """Nobody knows whether it had its effect, and a FIFO queue knows a repeat for five minutes (core/timers.py)."""


class OutOfTime(Transient):
    """A step exceeded its time limit and was stopped."""

    code = "out_of_time"
    fix = (
        "check what the step waited for; raise MAILROOM_STEP_SECONDS (on AWS: the parameter processTimeout), then: "
        "mailroom replay --parked"
    )
    most_attempts = 5


class CloudRefused(MailroomError):
    """LlamaCloud, or a firewall or proxy in front of it, refuses Mailroom's requests, but not because of the document.

    Work that needs LlamaCloud pauses, first for ``pause_seconds``. ``sure`` says that no document can be the reason.
    """

    code = "cloud_refused"
    owner = Owner.CONFIGURATION
    fix = "check the firewall or proxy between Mailroom and LlamaCloud; Mailroom resumes by itself afterwards"
    pause_seconds = 15.0
    sure = False


class KeyRefused(CloudRefused):
    """LlamaCloud does not accept the API key."""

    code = "key_refused"
    fix = (
        "create a new key at LlamaCloud if it has expired; set LLAMA_CLOUD_API_KEY to a key of this project, and "
        "LLAMA_CLOUD_BASE_URL to the key's region"
    )
    sure = True


class OutOfCredits(CloudRefused):
    """LlamaCloud returned 402: the account has no credits left."""

    code = "out_of_credits"
    fix = "buy credits at LlamaCloud; Mailroom resumes within 15 minutes, or sooner if it is told to"
    pause_seconds = 900.0
    sure = True


class CapReached(OutOfCredits):
    """LlamaCloud returned 402: a usage limit of the project or organization is reached, credits are left.

    When its window ends is not published, so Mailroom tries again every 15 minutes.
    """

    code = "cap_reached"
    fix = (
        "raise the limit at LlamaCloud, or wait until its window ends; Mailroom resumes within 15 minutes after, or "
        "sooner if it is told to"
    )


class SettingsRefused(CloudRefused):
    """LlamaCloud rejects a value from a setting or from mailroom.yaml.

    ``place`` is the variable, or the place in mailroom.yaml: ``classify.rules[1].description``.
    """

    code = "settings_refused"
    fix = "fix the setting that the message names, and restart Mailroom"
    sure = True

    def __init__(self, message: str, *, place: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.place = place


class NotServed(CloudRefused):
    """LlamaCloud has no such resource or path."""

    code = "not_served"
    fix = "check that LLAMA_CLOUD_BASE_URL is a LlamaCloud URL, and that the id in the message exists there"


class Permanent(MailroomError):
    """A permanent failure; retrying cannot help."""

    code = "permanent"


class PartlyNotified(Permanent):
    """An alert channel accepted a notice for some of its addresses, and deferred or rejected it for others."""

    code = "partly_notified"
    owner = Owner.CONFIGURATION

    def __init__(
        self, message: str, *, fix: str, thread: str, retry: Addresses = (), never: bool = True, missed: Addresses = ()
    ) -> None:
        super().__init__(message, fix=fix)
        self.thread = thread
        """What the channel returns for a notice that all addresses took."""
        self.retry = retry
        """The addresses that may accept it later."""
        self.never = never
        """Whether others will never accept it."""
        self.missed = missed or retry
        """All addresses without the notice, as far as the channel knows them."""


class JobGone(Permanent):
    """LlamaCloud does not know this job."""

    code = "job_gone"
    owner = Owner.VENDOR
    fix = "to submit the document again: mailroom replay DOCUMENT_ID"


class FileGone(Permanent):
    """The document's bytes are no longer where they were stored."""

    code = "file_gone"
    owner = Owner.DOCUMENT
    fix = "submit the document again"


class DocumentRefused(Permanent):
    """LlamaCloud, or Mailroom on its behalf, rejected this document."""

    code = "document_refused"
    owner = Owner.DOCUMENT
    fix = "check the document; fix it and submit it again, or route it by hand"


class Uncuttable(Permanent):
    """The packet cannot be opened, so it cannot be cut."""

    code = "uncuttable"
    owner = Owner.DOCUMENT
    fix = "unlock or repair the file and submit it again; or route it whole: mailroom review DOCUMENT --to ROUTE"


class Unreadable(Permanent):
    """The mail cannot be parsed within the limits."""

    code = "unreadable"
    owner = Owner.DOCUMENT
    fix = "save its content by hand, or raise the limit under `mail:` that the message names and submit it again"


class AccessDenied(Permanent):
    """A key or role was refused."""

    code = "access_denied"
    owner = Owner.CONFIGURATION
    fix = "give the key or role the permission that the message names, then: mailroom replay --parked"


class DeliveryConflict(Permanent):
    """Something else is stored at this document's destination."""

    code = "delivery_conflict"
    owner = Owner.CONFIGURATION
    fix = "compare the two; remove the wrong one, then: mailroom replay DOCUMENT_ID"


class Unroutable(Permanent):
    """The routing table cannot route this document."""

    code = "unroutable"
    owner = Owner.CONFIGURATION
    fix = "correct mailroom.yaml (mailroom routes check), then: mailroom replay DOCUMENT_ID"


class Misconfigured(MailroomError):
    """A setting or file is invalid; Mailroom refuses to start."""

    code = "misconfigured"
    owner = Owner.CONFIGURATION


class Conflict(MailroomError):
    """Another process changed or created the record since it was read."""

    code = "conflict"

    def __init__(self, kind: str, record_id: str) -> None:
        super().__init__(f"{kind} {record_id} was changed by another process")
        self.kind = kind
        self.record_id = record_id
