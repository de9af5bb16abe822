"""Reads the messages in an SQS event.

Test events and schedules that warm functions up have none: those are logged by name and acknowledged. Records of
another service are refused, because they would be lost.
"""

from typing import Any, cast

from handlers.functions.warm import note_test_event


def messages_of(event: object) -> list[dict[str, Any]]:
    """The messages of an SQS event, none of any other. Raises ValueError for records that are not SQS's."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        note_test_event(event)
        return []
    if not all(
        isinstance(item, dict) and all(isinstance(item.get(name), str) for name in ("messageId", "body"))
        for item in records
    ):
        raise ValueError("these are not SQS records: send them to the function's queue, not to the function")
    return cast("list[dict[str, Any]]", records)
