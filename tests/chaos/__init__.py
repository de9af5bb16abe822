"""Chaos: the real processes, killed at every I/O boundary, under every fault; then the buckets and queues are counted.

``scripts/chaos`` runs it. The product has no hook for it: a composition root of its own (``app.py``) wraps the ports.
"""
