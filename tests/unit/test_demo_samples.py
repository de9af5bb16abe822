"""The demo's mail is the same in a checkout and where Mailroom is installed from a wheel."""

from pathlib import Path

import pytest

from handlers.demo import command
from handlers.demo import samples as demo
from llamacloud_sandbox.children import Bounds
from receiver.core.errors import Misconfigured

pytestmark = pytest.mark.anyio


async def test_outside_of_a_checkout_the_generator_writes_the_same_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = await demo.samples(tmp_path)
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path / "nowhere")
    written = await demo.samples(tmp_path)
    assert written.folder.is_relative_to(tmp_path)
    assert [item.name for item in written.letters] == [item.name for item in checkout.letters]
    assert [item.read_bytes() for item in written.letters] == [item.read_bytes() for item in checkout.letters]
    assert written.packet.read_bytes() == checkout.packet.read_bytes()
    assert written.scanned_packet.is_file()


async def test_a_generator_that_fails_is_told_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path / "nowhere")
    (tmp_path / "samples").write_text("a file, where the folder should be")
    with pytest.raises(Misconfigured, match=r"(?s)could not be written: .* is a file"):
        await demo.samples(tmp_path)


def test_the_demo_waits_for_a_document_as_long_as_the_sandbox_may_take_to_read_and_to_judge_it() -> None:
    assert 2 * Bounds().wall_seconds < command.PATIENCE_SECONDS
