"""Writes what is made from the code: docs/settings.md, docs/cli.md, docs/errors.md and docs/schemas/*.json.

tests/architecture/test_docs.py holds that the committed pages are what this makes.
"""

from pathlib import Path

from scripts.reference import cli, errors, schemas, settings

ROOT = Path(__file__).resolve().parents[2]

PAGES = {"settings.md": settings.page, "cli.md": cli.page, "errors.md": errors.page}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")
    for name, text in schemas.pages().items():
        (ROOT / "docs" / "schemas" / name).write_text(text, encoding="utf-8")
        print(f"docs/schemas/{name}")


if __name__ == "__main__":
    main()
