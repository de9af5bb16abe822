"""What the receiver is compared with, each a program of its own: ``python -m benchmarks.peers.NAME SOCKET FOLDER``."""
