"""`python -m llamacloud_sandbox.sample_mail FOLDER`: writes the sample mail, the same bytes on every run."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

NEEDED = ("reportlab", "pikepdf", "PIL")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Write the sample mail into FOLDER, which is made if it is not there. Other files in it are left alone."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise click.UsageError(f"{', '.join(missing)} not installed: pip install 'llamacloud-sandbox[samples]'")
    from llamacloud_sandbox.sample_mail.catalogue import samples  # late: it needs what the extra brings

    files = samples()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    click.echo(f"{len(files)} files, {sum(map(len, files.values())) // 1024} KiB, in {folder}")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 written, 1 could not write, 2 wrong usage or the extra is missing."""
    try:
        args = None if argv is None else list(argv)
        command.main(args=args, prog_name="python -m llamacloud_sandbox.sample_mail", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return 2
    except OSError as error:
        click.echo(f"sample mail: {error}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
