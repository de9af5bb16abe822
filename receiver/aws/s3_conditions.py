"""``If-None-Match`` with any botocore: Lambda's runtime has its own, which may not know the parameter yet.

CopyObject takes it since botocore 1.40.61; an older one rejects the argument. This module then sets the header itself,
before the request is signed, as a newer botocore does.
"""

from typing import Any

OPERATIONS = ("PutObject", "CompleteMultipartUpload", "CopyObject")
"""The operations that Mailroom uses for create-only writes."""
PARAMETER, HEADER = "IfNoneMatch", "If-None-Match"
_CONTEXT = "mailroom_if_none_match"


def lacking(model: Any) -> list[str]:
    """The operations that lack the parameter in botocore's model of S3."""
    return [name for name in OPERATIONS if PARAMETER not in model.operation_model(name).input_shape.members]


def carry_condition(client: Any) -> None:
    """Makes this S3 client send the condition with each of these operations."""
    for name in lacking(client.meta.service_model):
        client.meta.events.register(f"provide-client-params.s3.{name}", _take)
        client.meta.events.register(f"before-call.s3.{name}", _give)


def _take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    if (value := params.get(PARAMETER)) is not None:
        context[_CONTEXT] = value
    return {name: value for name, value in params.items() if name != PARAMETER}


def _give(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    if _CONTEXT in context:
        params["headers"][HEADER] = context[_CONTEXT]
