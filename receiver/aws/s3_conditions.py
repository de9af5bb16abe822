"""``If-None-Match`` for every botocore: Lambda's runtime brings its own, which may not know the parameter yet.

CopyObject has it since botocore 1.40.61; an older one refuses the argument. There it becomes a header of the request
before that is signed, which is what a newer botocore makes of it.
"""

from typing import Any

OPERATIONS = ("PutObject", "CompleteMultipartUpload", "CopyObject")
"""Those that we write create-only with."""
PARAMETER, HEADER = "IfNoneMatch", "If-None-Match"
_CONTEXT = "mailroom_if_none_match"


def lacking(model: Any) -> list[str]:
    """The operations whose parameter botocore's model of S3 does not know."""
    return [name for name in OPERATIONS if PARAMETER not in model.operation_model(name).input_shape.members]


def carry_condition(client: Any) -> None:
    """Has this S3 client send the condition with every operation."""
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
