"""Advice: how to fix an incident, in words and as commands that can be pasted.

Words in capitals (FILE, ROUTE) stand for what only the reader knows; everything else is filled in.
"""

from dataclasses import replace
from typing import NamedTuple

from receiver.core.alert import Alert
from receiver.core.document import Step

LOOK = "mailroom alerts show {key}"
RESUBMIT = "mailroom resubmit --cause {key}"
REPLAY = "mailroom replay --cause {key}"
DISMISS = "mailroom dismiss --cause {key} --note WHY"
REPLACE = "mailroom replace {document} FILE"
UNLOCK = "mailroom unlock {document} --password-file FILE"


class Advice(NamedTuple):
    """``fix`` is "" if the error's own fix is better."""

    fix: str
    commands: tuple[str, ...]


JOB_FAILED: dict[str, Advice] = {
    "locked": Advice(
        "it is locked with a password: unlock it, or ask for an unlocked copy", (UNLOCK, REPLACE, DISMISS)
    ),
    "damaged": Advice(
        "check whether it opens; replace it with an intact copy, or dismiss it", (REPLACE, RESUBMIT, DISMISS)
    ),
    "empty-file": Advice("the file is empty: replace it with the right file, or dismiss it", (REPLACE, DISMISS)),
    "file-type": Advice(
        "LlamaCloud does not support this file type: replace it with a PDF, or dismiss it", (REPLACE, DISMISS)
    ),
    "too-large": Advice(
        "the file is too large for LlamaCloud: replace it with a smaller one, or dismiss it", (REPLACE, DISMISS)
    ),
    "source-gone": Advice("the file no longer exists at LlamaCloud: resubmitting uploads it again", (RESUBMIT,)),
    "other-project": Advice("check that the API key belongs to the project of the files; then", (RESUBMIT,)),
    "credits": Advice("buy credits at LlamaCloud; then", (RESUBMIT,)),
    "rate-limit": Advice("LlamaCloud was overloaded; resubmit when it has recovered", (RESUBMIT,)),
    "timed-out": Advice("LlamaCloud timed out more than once; resubmit when it has recovered", (RESUBMIT, DISMISS)),
    "unavailable": Advice("LlamaCloud was unavailable; resubmit when it is available", (RESUBMIT,)),
    "vendor-fault": Advice(
        "an error at LlamaCloud; resubmit, and report the job id to its support", (RESUBMIT, DISMISS)
    ),
}
"""Known causes of the vendor (fingerprint.py KNOWN) -> how to fix them."""

OVERDUE: dict[str, Advice] = {
    Step.DECIDED: Advice("its result is there and its deliveries wait: make their destination work; Mailroom retries",
                         ("mailroom tasks --subject {document}", "mailroom documents {document}")),
    Step.SPLIT: Advice("it is split and waits for its pieces: see which are open", ("mailroom documents {document}",)),
}  # fmt: skip
"""Step of an overdue document that has its result -> the fix. (Asking LlamaCloud again does not help.)"""

BY_KIND: dict[str, Advice] = {
    "job.failed": Advice("read the message; resubmit the document, replace its file, or dismiss it",
                         (RESUBMIT, REPLACE, DISMISS)),
    "task.parked": Advice("", (REPLAY,)),
    "delivery.failed": Advice("", (REPLAY,)),
    "delivery.conflict": Advice("compare the two, and remove the wrong one; then",
                                (REPLAY, "mailroom documents {document}")),
    "document.overdue": Advice("ask LlamaCloud now; if that does not help, resubmit it",
                               ("mailroom sweep", RESUBMIT, "mailroom documents {document}")),
    "source.expiring": Advice("check what it waits for; resubmitting uploads it again",
                              (RESUBMIT, "mailroom documents {document}")),
    "packet.held": Advice("check its pages, then cut it by hand, or route it as a whole",
                          ("mailroom documents {document}", "mailroom recut {document} PAGES PAGES",
                           "mailroom review {document} --to ROUTE")),
    "mail.held": Advice("check what is held and why; submit its content by hand, route it as it is, or dismiss it",
                        ("mailroom documents {document}", DISMISS)),
    "secret.refused": Advice("", (LOOK,)),
    "table.refused": Advice("correct the file; Mailroom rereads it by itself", ("mailroom routes check", LOOK)),
    "shadow.refused": Advice("correct the file; Mailroom rereads it by itself", ("mailroom routes check", LOOK)),
    "submission.paused": Advice("", ()),  # the alert names what is paused, and resumes that
    "balance.off": Advice("compare with the documents, and keep the store unchanged for the investigation",
                          ("mailroom balance", "mailroom documents --state open")),
    "clock.skewed": Advice("", (LOOK,)),
    "queue.silent": Advice("", ("mailroom tasks --state ready", LOOK)),
    "webhooks.missing": Advice("", ("mailroom events", LOOK)),
    "quality.changed": Advice("check them; improve the rule's description, then test the change on past documents",
                              ("mailroom review", "mailroom routes backtest")),
}  # fmt: skip
"""Kind of alert -> the fix; alerts of other kinds have their own."""


def advised(alert: Alert) -> Alert:
    """The alert with its fix. One of its own is kept, with the document's id if it has a placeholder."""
    advice = _advice(alert)
    values = {"key": alert.fingerprint, "document": alert.subject or "DOCUMENT"}
    mending = (*alert.commands, *(command.format_map(values) for command in advice.commands))
    looking = (LOOK.format_map(values),) if alert.subject else ()
    return replace(alert, fix=_named(advice.fix or alert.fix, alert.subject), commands=(*mending, *looking))


def _advice(alert: Alert) -> Advice:
    if alert.kind == "job.failed":
        return JOB_FAILED.get(alert.cause, BY_KIND[alert.kind])
    if alert.kind == "packet.held" and alert.cause == "locked":
        return JOB_FAILED["locked"]
    if alert.kind == "packet.held" and alert.commands:  # it is cut: its pieces wait, and the alert names them
        return Advice("review the waiting pieces, and decide where each one goes", ("mailroom documents {document}",))
    if alert.kind == "document.overdue":
        return OVERDUE.get(alert.cause, BY_KIND[alert.kind])
    if alert.kind == "task.parked" and alert.cause.startswith("submit:"):
        return Advice("", (RESUBMIT, REPLACE, DISMISS))
    return BY_KIND.get(alert.kind, Advice("", ()))


def _named(fix: str, document: str) -> str:
    """The fix with this document in place of the placeholder."""
    return fix.replace("DOCUMENT_ID", document).replace("DOCUMENT ", f"{document} ") if document else fix
