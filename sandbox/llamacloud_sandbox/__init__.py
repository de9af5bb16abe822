"""A stand-in for LlamaCloud's Files, Classify and Split API, on one machine. Unofficial: it is not LlamaIndex's."""

__version__ = "0.1.0"
