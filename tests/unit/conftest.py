from pathlib import Path

import pytest

from tests.in_memory_app import InMemoryApp


@pytest.fixture
def app(tmp_path: Path) -> InMemoryApp:
    return InMemoryApp(tmp_path)
