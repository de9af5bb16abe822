"""The HTTP server: the webhook on the public side; page, API, uploads and metrics on the operator's side.

``webhook`` is where an event arrives, ``operator`` the other side, ``server`` starts both with uvicorn.
"""
