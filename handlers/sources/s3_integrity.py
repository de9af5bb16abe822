"""Checks that the bytes that were read of an S3 object are that object, and all of it.

botocore notices a connection that breaks off. It cannot notice a proxy's page with a 200, or half a body that is
announced as a whole one: a second, different request to S3 reveals those.
"""

import math
from typing import Any

from receiver.aws.boto import Aws
from receiver.core.errors import DestinationBusy

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion"})


def refuse_bogus(answer: dict[str, Any], what: str) -> None:
    """Raises DestinationBusy for an answer to GetObject that S3 cannot have given: each of its own has an ETag."""
    if not answer.get("ETag"):
        raise DestinationBusy(f"{what}: the response is not from S3: it has no ETag")


async def refuse_part(
    aws: Aws, source: dict[str, str], answer: dict[str, Any], taken: int, *, most: float = math.inf
) -> None:
    """Raises DestinationBusy unless the ``taken`` bytes of this answer are all (or ``most``) of the object."""
    what = f"s3://{source['Bucket']}/{source['Key']}"
    refuse_bogus(answer, what)
    head = await aws.attempt("s3", "head_object", what=what, unless=_MISSING, **source)
    if head is None or head.get("ETag") != answer["ETag"]:
        raise DestinationBusy(f"{what}: the bytes read are not those of the stored object")
    if taken != min(head["ContentLength"], most):
        raise DestinationBusy(f"{what}: {taken} of {head['ContentLength']} bytes arrived")
