"""LlamaCloud over HTTP: the client of ports.Cloud, its payloads (``wire``), requests (``order``), pace and refusals."""
