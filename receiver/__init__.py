"""The engine of Mailroom: ingest, submit, receive, process, decide, deliver, reconcile.

It knows no event type and no destination by name; those are in handlers. CONTRIBUTING.md says what is in which package.
"""

__version__ = "0.2.0"
