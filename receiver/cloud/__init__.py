"""LlamaCloud over HTTP: a client for ports.Cloud, with payloads (``wire``), requests (``order``), pacing and errors."""
