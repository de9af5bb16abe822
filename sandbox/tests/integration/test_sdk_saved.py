"""Saved webhook configurations, saved product configurations and projects, through the vendor's SDK in strict mode."""

import warnings
from typing import Any

import pytest
from llama_cloud import APIStatusError, LlamaCloud, NotFoundError

from support.inbox import Inbox
from support.sample_documents import INVOICE, RULES


def test_a_saved_webhook_shows_its_headers_and_never_its_secret(client: LlamaCloud) -> None:
    saved = client.webhook_configs.create(
        webhook_url="https://mail.example/webhooks",
        webhook_events=["classify.success"],
        webhook_headers={"X-Token": "t"},
        webhook_output_format="json",
        webhook_signing_secret="whsec_1",
    )
    assert saved.id.startswith("whc-")
    assert saved.has_secret
    assert saved.webhook_headers == {"X-Token": "t"}
    assert "whsec_1" not in saved.model_dump_json()
    assert client.webhook_configs.retrieve(saved.id) == saved


def test_an_update_changes_only_what_it_names(client: LlamaCloud) -> None:
    saved = client.webhook_configs.create(webhook_url="https://mail.example/a", webhook_signing_secret="whsec_1")
    changed = client.webhook_configs.update(saved.id, webhook_url="https://mail.example/b")
    assert (changed.webhook_url, changed.has_secret) == ("https://mail.example/b", True)
    cleared = client.webhook_configs.update(saved.id, webhook_signing_secret=None)
    assert (cleared.webhook_url, cleared.has_secret) == ("https://mail.example/b", False)


def test_saved_webhooks_are_listed_newest_first_on_both_paths(client: LlamaCloud) -> None:
    ids = [client.webhook_configs.create(webhook_url=f"https://mail.example/{n}").id for n in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert [each.id for each in client.webhook_configs.list()] == ids[::-1]
    page = client.webhook_configs.list_paginated(page_size=2, include_total=True)
    assert page.items[0].id == ids[-1]
    assert page.model_extra == {"total_size": 3} or getattr(page, "total_size", None) == 3
    assert [each.id for each in client.webhook_configs.list_paginated(page_size=2)] == ids[::-1]


def test_a_deleted_webhook_is_gone(client: LlamaCloud) -> None:
    saved = client.webhook_configs.create(webhook_url="https://mail.example/a")
    client.webhook_configs.delete(saved.id)
    with pytest.raises(NotFoundError):
        client.webhook_configs.retrieve(saved.id)


def test_a_subscription_to_nothing_is_refused(client: LlamaCloud) -> None:
    with pytest.raises(APIStatusError) as refused:
        client.webhook_configs.create(webhook_url="https://mail.example/a", webhook_events=[])
    assert refused.value.status_code == 422


def test_a_job_notifies_inline_and_saved_webhooks(client: LlamaCloud, inbox: Inbox) -> None:
    events: Any = ["classify.success"]
    ids = [client.webhook_configs.create(webhook_url=f"{inbox.url}/{n}", webhook_events=events).id for n in (1, 2)]
    file_id = client.files.create(file=("letter.pdf", INVOICE), purpose="classify").id
    inline: Any = inbox.hook(webhook_events=events)
    client.classify.create(
        file_input=file_id,
        configuration={"rules": RULES},
        webhook_configuration_ids=ids,
        webhook_configurations=[inline],
    )
    assert sorted(letter.path for letter in inbox.wait(3)) == ["/webhooks", "/webhooks/1", "/webhooks/2"]


def test_a_job_that_names_an_unknown_webhook_is_refused(client: LlamaCloud) -> None:
    file_id = client.files.create(file=("letter.pdf", INVOICE), purpose="classify").id
    with pytest.raises(NotFoundError):
        client.classify.create(
            file_input=file_id, configuration={"rules": RULES}, webhook_configuration_ids=["whc-none"]
        )


def test_saving_a_configuration_twice_renews_it(client: LlamaCloud) -> None:
    item: Any = {"product_type": "classify_v2", "rules": RULES[:1]}
    two: Any = {"product_type": "classify_v2", "rules": RULES}
    first = client.configurations.create(name="letters", parameters=item)
    second = client.configurations.create(name="letters", parameters=two)
    assert second.id == first.id
    assert second.version != first.version
    assert [each.id for each in client.configurations.list(product_type=["classify_v2"])] == [first.id]
    assert list(client.configurations.list(product_type=["split_v1"])) == []


def test_a_configuration_is_renamed_and_deleted(client: LlamaCloud) -> None:
    parameters: Any = {"product_type": "classify_v2", "rules": RULES}
    saved = client.configurations.create(name="letters", parameters=parameters)
    renamed = client.configurations.update(saved.id, name="post")
    assert (renamed.name, renamed.parameters) == ("post", saved.parameters)
    client.configurations.delete(saved.id)
    with pytest.raises(NotFoundError):
        client.configurations.retrieve(saved.id)


def test_a_configuration_with_wrong_rules_is_refused_where_they_stand(client: LlamaCloud) -> None:
    parameters: Any = {"product_type": "classify_v2", "rules": []}
    with pytest.raises(APIStatusError) as refused:
        client.configurations.create(name="letters", parameters=parameters)
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["detail"][0]["loc"] == ["body", "parameters", "classify_v2", "rules"]


def test_the_projects_of_a_key_are_the_cheapest_credentials_check(client: LlamaCloud) -> None:
    projects = client.projects.list()
    assert [each.is_default for each in projects] == [True]
    assert client.projects.get(projects[0].id).organization_id == projects[0].organization_id
    assert [each.id for each in client.v2_projects.list()] == [projects[0].id]
    assert client.v2_projects.get(projects[0].id).name == projects[0].name
