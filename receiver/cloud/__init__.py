"""LlamaCloud over HTTP: the client of ports.Cloud (client), its payloads (wire) and requests (order), pace and errors."""
