"""mailroom demo: everything on one machine, without an account.

``environment`` starts the LlamaCloud-compatible sandbox, a local AWS (``local_aws``), and the real receiver, worker and
sweep. ``command`` submits mail and waits. ``report`` reads every delivery back from its destination, and
``printed_report`` prints it.
"""
