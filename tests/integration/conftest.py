"""What the tests of the receiver share."""

from collections.abc import Iterator

import pytest

from receiver.http import server


@pytest.fixture(params=["fast", "ordinary"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both ways of an event through the server: the fast path, and uvicorn's own protocol and ASGI."""
    if request.param == "ordinary":
        monkeypatch.setattr(server, "fast_path", lambda: None)
    yield request.param
