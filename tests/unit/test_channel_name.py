"""The name of an alert channel shows where it is, and no secret."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.channel_name import channel_name

TOKENS = st.text(st.sampled_from(string.ascii_letters + string.digits + "_-"), min_size=12, max_size=40)
ADDRESSES = st.sampled_from(
    [
        "pagerduty:{0}",
        "pagerduty:https://events.eu.pagerduty.com/{0}",
        "slack:https://hooks.slack.com/services/T0/B0/{0}",
        "slack:xoxb-{0}/C024BE91L",
        "slack:https://slack.example.com/api/xoxb-{0}/C024BE91L",
        "slack:{0}/env:CHANNEL",
        "teams:https://x.logic.azure.com/workflows/{0}",
        "teams:https://x.logic.azure.com/env:FLOW?sig={0}",
        "https://ops.example.com/{0}",
        "https://ops.example.com?key={0}",
        "https://ops.example.com/env:PATH#{0}",
        "https://ops.example.com/{0}/env:KEY",
        "https://{0}@ops.example.com",
        "https://ops:{0}@ops.example.com/env:KEY",
        "http://127.0.0.1:8080/{0}",
        "carrier:{0}",
        "https://user:{0}/rest@ops.example.com/x",
        "https://user:{0}#rest@ops.example.com/x",
        "https://user:{0}?rest@ops.example.com/x",
        "https://{0}/rest@ops.example.com/x",
        "slack:https://user:{0}/rest@hooks.example.com/x",
        "https://h:1\\{0}",
        "https://h:{0}/",
        "https://h;{0}",
        "https://h&key={0}",
        "https://h%2f{0}",
        "https://[x{0}/",
        "https://[::1]{0}/",
        "env:BASE/{0}x",
    ]
)


@given(ADDRESSES, TOKENS, TOKENS)
def test_no_secret_stands_in_it_and_two_addresses_have_two_names(address: str, item: str, other: str) -> None:
    named = channel_name(address.format(item))
    assert item not in named
    assert named.partition(":")[0] == address.partition(":")[0]
    assert channel_name(named) == named
    assert (channel_name(address.format(other)) == named) == (item == other)


@pytest.mark.parametrize(
    "to",
    [
        "log",
        "mailto:ops@example.com,night@example.com",
        "sns:arn:aws:sns:eu-west-1:123456789012:alarm",
        "events:default",
        "pagerduty:env:PAGERDUTY_KEY",
        "pagerduty:https://events.eu.pagerduty.com/env:PAGERDUTY_KEY",
        "slack:env:SLACK_WEBHOOK_URL",
        "slack:env:SLACK_TOKEN/C024BE91L",
        "https://second.example.com",
        "https://ops.example.com/",
        "https://[2001:db8::1]:8443/",
        "https://env:OPS_HOST/env:PATH",
        "env:ALERTS",
    ],
)
def test_what_holds_no_secret_is_its_own_name(to: str) -> None:
    assert channel_name(to) == to


@given(TOKENS.map("X{}".format))
def test_what_is_no_channel_at_all_is_no_name(item: str) -> None:
    assert channel_name(item) != item
    assert item not in channel_name(f"{item}:x")


@given(st.text(st.sampled_from("ab:/@?#[]%;&\\. 1"), max_size=12))
def test_only_what_looks_like_a_host_is_shown(rest: str) -> None:
    shown = channel_name(f"https://{rest}").removeprefix("https://").partition("/")[0]
    assert re.fullmatch(r"[\w.-]*(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?", shown)


def test_where_it_goes_can_be_told() -> None:
    name = channel_name("slack:https://hooks.slack.com/services/T0/B0/xyz")
    assert name.startswith("slack:https://hooks.slack.com/...")
