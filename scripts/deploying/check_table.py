"""Refuses a routing table that could not work, before it is put into the zips: ``python -m … TABLE``.

Buckets and queues are not asked for: the stage may not be there yet. Exit code 1 when there are errors.
"""

import os
import sys

from handlers.destinations.registry import destinations
from receiver.config import load
from receiver.core.errors import Misconfigured
from receiver.operations.check_config import check_config

STAGE = {
    "MAIL_BUCKET": "the-bucket-of-the-stage",
    "ROUTED_QUEUE": "the-queue-of-the-stage",
    "ALERTS_TOPIC": "arn:aws:sns:eu-central-1:123456789012:the-topic-of-the-stage",
}
"""Stand-ins for what serverless.yml makes and names to the functions."""


def main(table: str) -> None:
    environ = {**STAGE, **os.environ}
    try:
        config = load(table, environ)
        config.refuse(
            check_config(config, destinations(environ=environ), adopted=bool(os.environ.get("MAILROOM_ADOPT")))
        )
    except Misconfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
