"""What went wrong, sorted by what to do next.

MailroomError
|- Rejected         the sender is wrong: answer 4xx, keep nothing
|  |- NotAuthentic 401   Malformed 400   TooLarge 413   Unsupported 415   NotFound 404   NotAllowed 409
|  |- TooManyEvents 429
|- Transient        try again later (``retry_after`` seconds when somebody told us)
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


class Owner(StrEnum):
    """Who can mend it."""

    US = "us"
    VENDOR = "vendor"
    CONFIGURATION = "configuration"
    DOCUMENT = "document"


def said_by(error: BaseException) -> str:
    """What the error says; "" for one that cannot even say that."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  whoever tells of a failure must not fail of it
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
    """Lets go of what the calls that raised this error worked with, down to the request's body.

    An error that is kept as an answer refers to the frames it came through, and one of them refers to the error: all
    that they hold would stay in memory until the garbage collector looks.
    """
    left: list[BaseException | None] = [error]
    while left:
        item = left.pop()
        if item is not None and item.__traceback__ is not None:
            item.__traceback__ = None
            left += [item.__cause__, item.__context__]


class Rejected(MailroomError):
    """The request is wrong; nothing was kept."""

    code = "rejected"
    status = 400


class NotAuthentic(Rejected):
    """The request does not prove that it comes from where it says.

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
    """There is no such thing."""

    code = "not_found"
    status = 404


class NotAllowed(Rejected):
    """Not in the state it is in now."""

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


class TooManyEvents(Rejected):
    """More events about one document than are kept."""

    code = "too_many_events"
    status = 429

    def __init__(self, subject: str, *, retry_after: float, report: bool) -> None:
        """``report`` says whether this is to be logged: it is not, where a line about ``subject`` was just written."""
        super().__init__()
        self.subject = subject
        self.retry_after = retry_after
        self.report = report


class Transient(MailroomError):
    """Try again later."""

    code = "transient"
    most_attempts: int | None = None
    """Attempts after which it is given up, where the whole schedule would cost too much."""
    longest_delay: float | None = None
    """Seconds that may lie before the next attempt, where the schedule's delay could be too long."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class StoreBusy(Transient):
    """The store cannot write now."""

    code = "store_busy"
    fix = "look at the disk and the permissions of MAILROOM_STORE; Mailroom goes on by itself once it can write"


class CloudBusy(Transient):
    """LlamaCloud did not answer, or asked us to slow down."""

    code = "cloud_busy"
    owner = Owner.VENDOR
    fix = "nothing to do: it is tried again; if it lasts, look at LlamaCloud's status page"


class DestinationBusy(Transient):
    """A destination did not take the parcel now."""

    code = "destination_busy"
    owner = Owner.CONFIGURATION
    fix = "see that the destination is up; it is tried again by itself"


class Unanswered(DestinationBusy):
    """It was sent, and no answer came: whether it was taken is not known."""

    code = "unanswered"


class Paused(Transient):
    """Held back on purpose."""

    code = "paused"
    owner = Owner.CONFIGURATION


class ReaderDied(Transient):
    """The process that reads what strangers sent died of this file, or did not answer in time.

    Once may be chance, and it is tried again soon; twice is the file's fault.
    """

    code = "reader_died"
    owner = Owner.DOCUMENT
    fix = "look at the document; mend it and take it in again, or route it by hand"
    longest_delay = 1.0
    """The steps take its second death for an answer, and that must not come hours later."""


class CutOff(Transient):
    """An attempt that nobody ended: its process died, or its function's time was over."""

    code = "cut_off"
    fix = "see in the log what ended the process (out of memory, killed, out of time), then: mailroom replay --parked"
    longest_delay = timers.CUT_OFF_DELAY
    """Nobody knows whether it had its effect, and a FIFO queue knows a repeat for five minutes (core/timers.py)."""


class OutOfTime(Transient):
    """A step took longer than it may, and was ended."""

    code = "out_of_time"
    fix = (
        "look at what the step waited for; give it longer with MAILROOM_STEP_SECONDS (on AWS: the parameter "
        "processTimeout), then: mailroom replay --parked"
    )
    most_attempts = 5


class CloudRefused(MailroomError):
    """LlamaCloud, or a firewall or proxy before it, refuses us, and not for the sake of the document.

    Work that needs LlamaCloud pauses, first for ``pause_seconds``. ``sure`` says that no document can be the reason.
    """

    code = "cloud_refused"
    owner = Owner.CONFIGURATION
    fix = "see what stands between Mailroom and LlamaCloud, a firewall or a proxy; it goes on by itself afterwards"
    pause_seconds = 15.0
    sure = False


class KeyRefused(CloudRefused):
    """LlamaCloud does not accept the API key."""

    code = "key_refused"
    fix = "set LLAMA_CLOUD_API_KEY to a key of this project, and LLAMA_CLOUD_BASE_URL to the key's own region"
    sure = True


class OutOfCredits(CloudRefused):
    """LlamaCloud answers 402: the account has no credits left."""

    code = "out_of_credits"
    fix = "buy credits at LlamaCloud; it goes on within 15 minutes, or a minute after: mailroom resume submission"
    pause_seconds = 900.0
    sure = True


class SettingsRefused(CloudRefused):
    """LlamaCloud refuses what a setting, or mailroom.yaml, makes us send.

    ``place`` is the variable, or the place in mailroom.yaml: ``classify.rules[1].description``.
    """

    code = "settings_refused"
    fix = "mend the setting that the message names, and start Mailroom again"
    sure = True

    def __init__(self, message: str, *, place: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.place = place


class NotServed(CloudRefused):
    """LlamaCloud does not have what this path names, or not this path."""

    code = "not_served"
    fix = "see that LLAMA_CLOUD_BASE_URL is LlamaCloud's own URL, and that the id in the message exists there"


class Permanent(MailroomError):
    """Trying again cannot help."""

    code = "permanent"


class PartlyTold(Permanent):
    """An alert channel took a notice for some of its addresses, and not for others: later, or never."""

    code = "partly_told"
    owner = Owner.CONFIGURATION

    def __init__(self, message: str, *, fix: str, thread: str, owed: tuple[str, ...] = (), never: bool = True) -> None:
        super().__init__(message, fix=fix)
        self.thread = thread
        """What the channel returns for a notice that it took for all."""
        self.owed = owed
        """The addresses that may take it later."""
        self.never = never
        """Whether there are others, that will never take it."""


class JobGone(Permanent):
    """LlamaCloud does not know this job."""

    code = "job_gone"
    owner = Owner.VENDOR
    fix = "mailroom replay DOCUMENT_ID submits the document again"


class FileGone(Permanent):
    """The document's bytes are no longer where we were told they lie."""

    code = "file_gone"
    owner = Owner.DOCUMENT
    fix = "take the document in again"


class DocumentRefused(Permanent):
    """LlamaCloud, or we on its behalf, cannot take this document."""

    code = "document_refused"
    owner = Owner.DOCUMENT
    fix = "look at the document; mend it and take it in again, or route it by hand"


class Uncuttable(Permanent):
    """The packet cannot be opened, so it cannot be cut."""

    code = "uncuttable"
    owner = Owner.DOCUMENT
    fix = "unlock or mend the file and take it in again; or route it whole: mailroom review DOCUMENT --to ROUTE"


class Unreadable(Permanent):
    """The mail cannot be taken apart, or not within the bounds."""

    code = "unreadable"
    owner = Owner.DOCUMENT
    fix = "save what is in it by hand, or raise the bound under `mail:` that the message names and take it in again"


class AccessDenied(Permanent):
    """A key or role was refused."""

    code = "access_denied"
    owner = Owner.CONFIGURATION
    fix = "give the key or role the permission that the message names, then: mailroom replay --parked"


class DeliveryConflict(Permanent):
    """Something else lies where this document belongs."""

    code = "delivery_conflict"
    owner = Owner.CONFIGURATION
    fix = "compare the two; remove the wrong one, then: mailroom replay DOCUMENT_ID"


class Unroutable(Permanent):
    """The routing table cannot place this document."""

    code = "unroutable"
    owner = Owner.CONFIGURATION
    fix = "mend mailroom.yaml (mailroom routes check), then: mailroom replay DOCUMENT_ID"


class Misconfigured(MailroomError):
    """A setting or file is wrong; refuse to start."""

    code = "misconfigured"
    owner = Owner.CONFIGURATION


class Conflict(MailroomError):
    """A record was changed, or made, by somebody else since we read it."""

    code = "conflict"

    def __init__(self, kind: str, record_id: str) -> None:
        super().__init__(f"{kind} {record_id} changed meanwhile")
        self.kind = kind
        self.record_id = record_id
