"""What a server and each of its connections share."""

import uvicorn

from receiver.http.limits import ConnectionLimits


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, and the limits that the connections share."""

    limits: ConnectionLimits
