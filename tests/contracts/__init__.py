"""One suite per port; the adapters' tests inherit it, so that all of them answer to the same tests."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{suite.stem}" for suite in Path(__file__).parent.glob("[!_]*.py")))
