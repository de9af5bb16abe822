"""Writes what is made from the code into docs/ or another folder: settings.md, cli.md, errors.md, metrics.md, schemas.

tests/architecture/test_docs.py holds that the committed pages are what this makes.
"""

import json
import sys
from pathlib import Path

from scripts.deploying.deployment_file import deployment_schema
from scripts.reference import cli, errors, metrics, schemas, settings

DOCS = Path(__file__).resolve().parents[2] / "docs"

PAGES = {"settings.md": settings.page, "cli.md": cli.page, "errors.md": errors.page, "metrics.md": metrics.page}


def main(folder: Path) -> None:
    pages = {name: page() for name, page in PAGES.items()}
    pages |= {f"schemas/{name}": text for name, text in schemas.pages().items()}
    pages["mailroom.deploy.schema.json"] = json.dumps(deployment_schema(), indent=2) + "\n"
    (folder / "schemas").mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
