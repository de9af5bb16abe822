"""Every destination, by the scheme of its URL.

CONTRIBUTING.md says how to add one. Importing this module imports no client library: a destination connects when it
first delivers.
"""

import os
from collections.abc import Mapping

from handlers.destinations.events import EventBridge
from handlers.destinations.folder import Folder
from handlers.destinations.http import Http
from handlers.destinations.s3 import S3
from handlers.destinations.sns import SnsTopic
from handlers.destinations.sqs import Sqs
from handlers.destinations.states import StepFunctions
from receiver.aws.boto import Aws
from receiver.ports import Destination
from receiver.secrets import RevealedEnviron


def destinations(aws: Aws | None = None, *, environ: Mapping[str, str] | None = None) -> dict[str, Destination]:
    """URL scheme -> destination. ``environ`` has the values of options of the form ``env:NAME``."""
    aws, environ = aws or Aws(), RevealedEnviron(os.environ) if environ is None else environ
    http = Http(environ)
    return {
        "s3": S3(aws, environ=environ),
        "sqs": Sqs(aws, environ=environ),
        "sns": SnsTopic(aws, environ=environ),
        "events": EventBridge(aws, environ=environ),
        "states": StepFunctions(aws, environ=environ),
        "folder": Folder(),
        "https": http,
        "http": http,
    }
