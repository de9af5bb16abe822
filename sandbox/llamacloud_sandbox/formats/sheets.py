"""The pages of a spreadsheet (XLSX, XLSB, ODS, and the old XLS), one for each sheet, by calamine."""

from pathlib import Path

import python_calamine

from llamacloud_sandbox.unreadable import Unreadable


def pages(path: Path) -> list[str]:
    """A line for each row that is not empty, its cells apart by tabs. Raises `Unreadable`."""
    try:
        with python_calamine.load_workbook(path) as book:
            return [_sheet(book, name) for name in book.sheet_names]
    except python_calamine.PasswordError as error:
        raise Unreadable("The spreadsheet is encrypted and needs a password.") from error
    except (python_calamine.CalamineError, OSError) as error:
        raise Unreadable("The spreadsheet is damaged or encrypted.") from error


def _sheet(book: python_calamine.CalamineWorkbook, name: str) -> str:
    rows = book.get_sheet_by_name(name).to_python()
    lines = ("\t".join(_cell(cell) for cell in row).strip() for row in rows)
    return "\n".join(line for line in (name, *lines) if line)


def _cell(value: object) -> str:
    """A number as a reader would see it: whole, or with two digits (an amount), or as it is."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:.2f}" if round(value, 2) == value else str(value)
