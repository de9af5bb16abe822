"""LlamaCloud over HTTP: the client behind ports.Cloud, its payloads (wire) and requests (order), pace and refusals."""
