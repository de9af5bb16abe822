"""mailroom demo: everything on one machine, no account.

``stage`` starts the LlamaCloud-compatible sandbox, a local AWS and the real receiver, worker and sweep; ``command``
takes mail in and waits; ``report`` reads every delivery back from where it lies; ``shown`` prints it.
"""
