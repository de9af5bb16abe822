"""Shows documents to a person: pictures of pages, and text, made in a child process (``python -m handlers.view``)."""
