"""Doorbells: what wakes a worker."""
