"""Links to the operator's page, and the address that they begin with."""

from dataclasses import replace
from pathlib import Path

import pytest

from receiver.alerting.notices import page_link
from receiver.core.errors import Misconfigured
from receiver.read_settings import from_environ
from tests.in_memory_app import InMemoryApp


@pytest.mark.parametrize(
    "url", ["mailroom.example.com", "ftp://a.example", "https://", "https://[bad", "https://a.example/?t=1"]
)
def test_what_is_no_address_of_a_page_is_refused_by_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="MAILROOM_OPERATOR_URL"):
        from_environ({"MAILROOM_OPERATOR_URL": url})


def test_the_site_is_the_host_of_the_page_or_else_of_the_receiver() -> None:
    public = {"MAILROOM_PUBLIC_URL": "https://mail.example.com"}
    page = {"MAILROOM_OPERATOR_URL": "http://10.0.0.7:8081/"}
    sites = [from_environ(given).site() for given in ({}, public, page, {**public, **page})]
    assert sites == ["", "mail.example.com", "10.0.0.7", "10.0.0.7"]


def test_a_link_leads_to_what_is_shown_there(tmp_path: Path) -> None:
    app = InMemoryApp(tmp_path)
    assert page_link(app.context, "alerts", "key") == ""
    context = replace(app.context, operator_url="https://mailroom.example.com/")
    assert page_link(context, "alerts", "key") == "https://mailroom.example.com/#alerts/key"
    assert page_link(context, "all", "doc_1/#?") == "https://mailroom.example.com/#all/doc_1%2F%23%3F"
