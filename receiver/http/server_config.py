"""The configuration that a server shares with its connections."""

import uvicorn

from receiver.http.limits import ConnectionLimits


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, and the limits that the connections share."""

    limits: ConnectionLimits
