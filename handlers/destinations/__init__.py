"""Every destination, by the scheme of its URL.

Adding one: its module, its contract test, its part of docs/destinations.md.

Importing this imports no client library: each destination is made here, and connects when it first delivers.
"""

from handlers.aws import Aws
from handlers.destinations.folder import Folder
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from receiver.ports import Destination


def destinations(aws: Aws) -> dict[str, Destination]:
    """URL scheme -> destination; ``aws`` is shared by those that live there."""
    return {"s3": S3(aws), "sqs": Sqs(aws), "folder": Folder()}
