"""The main flow through the vendor's asynchronous client."""

import httpx
import pytest
from llama_cloud import AsyncLlamaCloud, NotFoundError

from support.sample_documents import CATEGORIES, CONFIGURATION, PACKET
from support.switchboard import Switchboard


@pytest.mark.anyio
async def test_upload_classify_split_list_and_delete(sandbox_url: str, key: str, switchboard: Switchboard) -> None:
    async with AsyncLlamaCloud(
        api_key=key, base_url=sandbox_url, max_retries=0, _strict_response_validation=True
    ) as client:
        uploaded = await client.files.create(file=("packet.pdf", PACKET), purpose="classify")
        link = await client.files.content(uploaded.id)
        async with httpx.AsyncClient() as plain:
            assert (await plain.get(link.url)).content == PACKET

        first_page = {"rules": CONFIGURATION["rules"], "parsing_configuration": {"max_pages": 1}}
        job = await client.classify.create(file_input=uploaded.id, configuration=first_page)  # type: ignore[arg-type]
        finished = await client.classify.wait_for_completion(job.id, polling_interval=0.05)
        assert finished.result is not None
        assert finished.result.type == "invoice"
        assert [each.id async for each in client.classify.list(page_size=1)] == [job.id]
        await client.classify.delete(job.id)
        with pytest.raises(NotFoundError):
            await client.classify.get(job.id)

        split = await client.beta.split.split(
            document_input={"type": "file_id", "value": uploaded.id}, categories=CATEGORIES, polling_interval=0.05
        )
        assert split.result is not None
        assert [each.category for each in split.result.segments] == ["invoice", "contract"]

        switchboard.set({"stuck_job": {"next": 1}})
        stuck = await client.split.create(file_input=uploaded.id, configuration={"categories": CATEGORIES})
        assert (await client.split.cancel(stuck.id)).status == "cancelled"
        await client.files.delete(uploaded.id)
