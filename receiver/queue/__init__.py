"""Task queues: what wakes a worker."""
