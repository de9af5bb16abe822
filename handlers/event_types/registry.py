"""Every family of event types: what happens when an event arrives, one file for each.

A new family is a file here with its ``router`` (receiver/pipeline/handler_registry.py), and a name in the list below;
the path of its jobs, if it is a new one, stands in receiver/cloud/order.py.
"""

from handlers.event_types import classify, split, unknown
from receiver.pipeline.handler_registry import HandlerRegistry


def open_registry() -> HandlerRegistry:
    """All event handlers; ``mailroom webhooks`` asks for their events, too."""
    return HandlerRegistry(classify.router, split.router, unknown.router)
