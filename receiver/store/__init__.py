"""Where the truth is kept: one class per kind of store, all of them held to tests/contracts/store.py."""
