"""Generated requests against the receiver: a few in the tests, 100,000 and more by scripts/fuzz-door."""
