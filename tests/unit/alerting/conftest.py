"""What tests of alerting share."""

import pytest


@pytest.fixture
def any_number_of_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cause counts as new, so that each opens an incident."""
    monkeypatch.setattr("receiver.alerting.alert.NEW_SECONDS", -1.0)
