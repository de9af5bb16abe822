"""Where documents' bytes are, besides the spool on disk and LlamaCloud: S3 and folders."""
