"""The engine of Mailroom: receive, keep, decide, deliver, reconcile.

It knows no event type and no destination by name; those live in handlers.
"""

__version__ = "0.1.0"
