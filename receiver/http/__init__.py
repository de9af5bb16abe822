"""The HTTP server: the webhook on the public side; page, API, uploads and metrics on the operator's side.

An event arrives in ``webhook``; ``operator`` is the other side; ``server`` starts both with uvicorn.
"""
