"""Translates botocore's errors into ours, each with its fix. No other module does."""

from collections.abc import Mapping
from typing import Any

from receiver.aws.service import BUSY
from receiver.core.connection_fault import connection_fault
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Unanswered, Unroutable

_BUSY = BUSY | {
    "Throttled", "ThrottledException", "KMSThrottled", "BandwidthLimitExceeded", "InternalError", "InternalException",
    "RequestTimeout", "RequestTimeoutException", "RequestTimeTooSkewed", "OperationAborted",
    "ConditionalRequestConflict", "ExecutionLimitExceeded", "KMSThrottling", "KMSThrottlingException",
    "KmsThrottlingException",
}  # fmt: skip
"""With the codes that only S3, KMS, EventBridge, SNS and Step Functions return."""
_NOT_IMPLEMENTED = frozenset({"NotImplemented", "XNotImplemented"})
_DENIED = frozenset(
    {
        "403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "InvalidAccessKeyId",
        "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidToken",
        "UnrecognizedClientException", "AuthFailure", "AllAccessDisabled", "KMSAccessDenied", "InvalidSecurity",
        "KMSAccessDeniedException", "KmsAccessDeniedException", "AuthorizationErrorException",
        "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException",
    }
)  # fmt: skip
_ABSENT = frozenset(
    {
        "NoSuchBucket", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException",
        "TopicNotFound", "ResourceNotFoundException", "StateMachineDoesNotExist",
    }
)  # fmt: skip
_NEEDS = {
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "CopyObject": "s3:PutObject, s3:PutObjectTagging and, on the source, s3:GetObject",
    "PutObject": "s3:PutObject and s3:PutObjectTagging",
    "CreateMultipartUpload": "s3:PutObject and s3:PutObjectTagging",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject and, on the source, s3:GetObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "GetObjectTagging": "s3:GetObjectTagging and s3:GetObjectVersionTagging",
    "PutObjectTagging": "s3:PutObjectTagging and s3:PutObjectVersionTagging",
}
"""Operations whose IAM permission has another name."""
ASSUMING = "AssumeRole"
"""The operation that assumes a role. Its error says nothing about a bucket or a queue."""


def code_of(error: Any) -> str:
    """AWS's code of a ClientError: ``NoSuchKey``, or the HTTP status if the response has no body (HEAD)."""
    return str(error.response.get("Error", {}).get("Code", ""))


def passes(code: str) -> bool:
    """Whether an error with this code is temporary."""
    return code in _BUSY


def is_absent(code: str) -> bool:
    """Whether an error with this code says that there is no such bucket, queue, topic, bus or state machine."""
    return code in _ABSENT or code == "404"


def translated(error: Exception, what: str, *, endpoint: str = "") -> MailroomError:
    """botocore's error as ours: temporary, a missing permission, or wrong configuration.

    ``what`` names the bucket, queue or topic; ``endpoint`` is its own, if it has one.
    """
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        return _answered(error, what, endpoint)
    what = located(what, endpoint)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
        return AccessDenied(
            f"{what}: no AWS credentials, or they cannot be read",
            fix="give the process a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    if isinstance(error, boto.NoRegionError):
        return Unroutable(f"{what}: no AWS region is set", fix="set AWS_DEFAULT_REGION")
    if isinstance(error, unsent()):
        return DestinationBusy(f"{what}: AWS cannot be reached: {connection_fault(error)}")
    if isinstance(error, boto.HTTPClientError) and isinstance(error.kwargs.get("error"), ValueError):
        # A value that no header can carry. The error's text would show it: usually an access key.
        return AccessDenied(
            f"{what}: no request can be sent with these credentials: they hold what no header takes",
            fix="look for spaces, line breaks and letters outside ASCII in the keys; then: mailroom replay --parked",
        )
    if isinstance(error, _cut_short()):
        return Unanswered(f"{what}: AWS did not respond: {connection_fault(error)}")
    return Unroutable(f"{what}: {error}")


def entry_refused(entry: Mapping[str, Any], operation: str, what: str) -> MailroomError:
    """The error of one entry in the response to a batch request that returned 200."""
    code = str(entry.get("ErrorCode", ""))
    reason = f"{what}: {operation} returned {code}: {entry.get('ErrorMessage', '')}"
    if passes(code):
        return DestinationBusy(reason)
    if code in _DENIED:
        return AccessDenied(reason, fix=f"give the key or role {_permission(operation, what)} on {what}; then: "
                                      "mailroom replay --parked")  # fmt: skip
    return Unroutable(reason, fix=f"{making(what)}, or correct mailroom.yaml")


def located(what: str, endpoint: str) -> str:
    """The resource, for people, with its endpoint if that is not AWS's own."""
    return f"{what} at {endpoint}" if endpoint else what


def unsent() -> tuple[type[Exception], ...]:
    """The errors of a connection that was never established."""
    from botocore import exceptions as boto

    return boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError, boto.SSLError


def _cut_short() -> tuple[type[Exception], ...]:
    """The errors of a connection that failed, or broke off within the response."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    broken = (boto.IncompleteReadError, boto.FlexibleChecksumError, ResponseParserError)
    return boto.HTTPClientError, boto.ConnectionError, *broken


def _answered(error: Any, named: str, endpoint: str) -> MailroomError:
    what = located(named, endpoint)
    code, operation = code_of(error), str(error.operation_name)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = f"{what}: {operation} returned {code}: {error.response.get('Error', {}).get('Message', '')}"
    if code in _NOT_IMPLEMENTED or status == 501:
        header = str(error.response.get("Error", {}).get("Header", ""))
        return Unroutable(
            f"{reason}{f' ({header})' if header else ''}",
            fix="this store does not support the request: in the S3 options, `tags: none` leaves tags out, and "
                "`conditions: none` conditional writes (docs/destinations.md)",
        )  # fmt: skip
    if passes(code) or status >= 500 or status == 429:
        return DestinationBusy(reason, retry_after=_retry_after(error))
    if operation == ASSUMING and (code in _DENIED or status == 403):
        return AccessDenied(reason, fix="allow Mailroom's identity sts:AssumeRole on the role, and add that identity "
        "to the role's trust policy, with the external_id if it requires one; then: "
                                      "mailroom replay --parked")  # fmt: skip
    if code == "InvalidObjectState":
        return AccessDenied(reason, fix="the object is in an archive class: restore it (aws s3api restore-object), "
                                        "then: mailroom replay --parked")  # fmt: skip
    if code in _DENIED or status == 403:
        return AccessDenied(reason, fix=f"give the key or role {_permission(operation, named)} on {what}; then: "
                                      "mailroom replay --parked")  # fmt: skip
    if code in _ABSENT or (status == 404 and operation.startswith("Head")):
        return Unroutable(f"{what} does not exist ({code})", fix=f"{making(named, endpoint)}, or correct mailroom.yaml")
    return Unroutable(reason)


def _permission(operation: str, what: str) -> str:
    return _NEEDS.get(operation, f"{what.partition(':')[0]}:{operation}")


def making(what: str, endpoint: str = "") -> str:
    """The command that creates this bucket, queue, topic, bus or state machine."""
    return f"{_making(what)} --endpoint-url {endpoint}" if endpoint else _making(what)


def _making(what: str) -> str:
    scheme, _, rest = what.partition(":")
    name = rest.lstrip("/")
    if scheme == "s3":
        return f"aws s3 mb s3://{name.split('/')[0]}"
    if scheme == "states":
        return f"aws stepfunctions create-state-machine --name {name.partition(':stateMachine:')[2] or name}"
    name = name.rstrip("/").split("/")[-1].split(":")[-1]
    if scheme == "events":
        return f"aws events create-event-bus --name {name}"
    fifo = " --attributes FifoQueue=true" if scheme == "sqs" else " --attributes FifoTopic=true"
    kind = "sqs create-queue --queue-name" if scheme == "sqs" else "sns create-topic --name"
    return f"aws {kind} {name}{fifo if name.endswith('.fifo') else ''}"


def _retry_after(error: Any) -> float | None:
    value = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(value) if value.isdigit() else None
