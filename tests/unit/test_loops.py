"""Does what is delivered come in again? Judged by where destinations lie, before a document is lost to it."""

from pathlib import Path

import pytest

from receiver.core.loops import feeds


@pytest.mark.parametrize(
    ("source", "url", "loop"),
    [
        ("s3://mail", "s3://mail/sorted/{filename}", True),
        ("s3://mail/inbox/", "s3://mail/inbox/sorted/", True),
        ("s3://mail/inbox/", "s3://mail/sorted/", False),
        ("s3://mail", "s3://mail-sorted/", False),
        ("s3://mail", "sqs://mail", False),
        ("/srv/in", "folder:///srv/in/sorted/{type}/", True),
        ("/srv/in", "folder:///srv/in/", True),
        ("/srv/in", "folder:///srv/in/../out/", False),
        ("/srv/in", "folder:///srv/inbox/", False),
        ("in", "folder://./in/sorted/", True),
        ("in", "folder://./out/", False),
    ],
)
def test_a_destination_inside_of_a_source_feeds_it(source: str, url: str, loop: bool) -> None:
    assert feeds([source], url) == (source if loop else "")


def test_a_link_is_no_way_round(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "in")
    assert feeds([str(tmp_path / "in")], f"folder://{tmp_path}/out/") == str(tmp_path / "in")
