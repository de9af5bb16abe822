"""Which role each endpoint of the operator's side needs. An endpoint that is not in this table cannot be served."""

from collections.abc import Mapping

from receiver.core.operators import Role

V, O, A = Role.VIEWER, Role.OPERATOR, Role.ADMIN  # noqa: E741
ROLES: Mapping[tuple[str, str], Role] = {
    ("GET", "/documents"): V,
    ("POST", "/documents"): O,
    ("GET", "/documents/{document_id}"): V,
    ("GET", "/documents/{document_id}/content"): V,
    ("GET", "/documents/{document_id}/manifest"): V,
    ("GET", "/documents/{document_id}/link"): V,
    ("GET", "/documents/{document_id}/pages"): V,
    ("GET", "/documents/{document_id}/pages/{page}.png"): V,
    ("GET", "/documents/{document_id}/text"): V,
    ("POST", "/documents/{document_id}/pieces"): O,
    ("POST", "/documents/{document_id}/verify"): O,
    ("POST", "/documents/correct"): O,
    ("POST", "/documents/resubmit"): O,
    ("POST", "/documents/reclassify"): O,
    ("POST", "/documents/dismiss"): O,
    ("POST", "/replay"): O,
    ("POST", "/documents/{document_id}/route"): O,
    ("POST", "/documents/{document_id}/undo"): O,
    ("POST", "/documents/{document_id}/retry"): O,
    ("POST", "/documents/{document_id}/resubmit"): O,
    ("POST", "/documents/{document_id}/unlock"): O,
    ("POST", "/documents/{document_id}/file"): O,
    ("POST", "/documents/{document_id}/dismiss"): O,
    ("GET", "/events"): V,
    ("GET", "/events/{key}"): V,
    ("GET", "/pauses"): V,
    ("POST", "/pauses"): A,
    ("GET", "/tasks"): V,
    ("POST", "/tasks/{task_id}/replay"): O,
    ("GET", "/tasks/{task_id}"): V,
    ("GET", "/costs"): V,
    ("GET", "/calibration"): V,
    ("GET", "/calibration/backtest"): V,
    ("GET", "/overview"): V,
    ("GET", "/series"): V,
    ("GET", "/stream"): V,
    ("GET", "/alerts"): V,
    ("GET", "/alerts/{key}"): V,
    ("POST", "/alerts/{key}/ack"): O,
    ("POST", "/alerts/{key}/silence"): O,
    ("GET", "/channels"): V,
    ("GET", "/session"): V,
    ("POST", "/session"): V,
    ("DELETE", "/session"): V,
}
BY_LINK = frozenset({"/documents/{document_id}/content", "/documents/{document_id}/manifest"})
"""What a signed link (``?token=``) opens as well: the endpoint itself checks it."""


def role_of(method: str, path: str) -> Role:
    """The role that this endpoint needs. Raises LookupError for one that is not in the table."""
    try:
        return ROLES["GET" if method == "HEAD" else method, path.replace(":path}", "}")]
    except KeyError:
        raise LookupError(f"{method} {path} has no role: add it to receiver/http/roles.py") from None
