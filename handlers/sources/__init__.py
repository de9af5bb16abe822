"""Where documents' bytes lie, beside the spool on disk and LlamaCloud: S3."""
