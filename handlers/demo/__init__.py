"""mailroom demo: everything on one machine, without an account.

``stage`` starts the LlamaCloud-compatible sandbox, a local AWS and the real receiver, worker and sweep; ``command``
submits mail and waits; ``report`` reads every delivery back from its destination; ``shown`` prints it.
"""
