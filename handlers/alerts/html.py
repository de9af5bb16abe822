"""A notice as HTML for mail: one table with inline styles, because mail clients support little else."""

from html import escape

from handlers.alerts import text
from handlers.alerts.slack import colour
from receiver.core.notice import Notice

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45"
_CODE = (
    "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;white-space:pre-wrap;word-break:break-word;"
    "background:#f4f3ef;border-radius:4px;padding:10px 12px;margin:12px 0 4px"
)
_SHEET = "width:100%;max-width:640px;margin:0 auto;background:#fff;border:1px solid #dfdcd4;border-radius:6px"
_BUTTON = (
    "display:inline-block;margin:10px 10px 4px 0;padding:7px 14px;border-radius:4px;color:#fff;text-decoration:none"
)
_NAME = "color:#666a70;vertical-align:top;padding:3px 16px 3px 0;white-space:nowrap"
_VALUE = "vertical-align:top;padding:3px 0;word-break:break-word"
_TABLE = '<table role="presentation" cellpadding="0" cellspacing="0"'


def page(notice: Notice) -> str:
    """The HTML part of the mail, with the content of the text part."""
    shade = colour(notice)
    rows = "".join(_row(name, value) for name, value in text.notice_fields(notice))
    state = f'<span style="color:{shade};font-weight:600">{escape(text.label(notice))}</span>'
    title = f'<h1 style="font-size:17px;line-height:1.3;margin:4px 0 8px">{escape(notice.title)}</h1>'
    return f"""\
<!doctype html>
<html lang="en"><body style="margin:0;padding:16px;background:#f4f3ef;color:#1d1f23;{_FONT}">
{_TABLE} style="{_SHEET};border-top:4px solid {shade}">
<tr><td style="padding:16px 20px 4px">{state}
{title}</td></tr>
<tr><td style="padding:0 20px 12px">{_TABLE} style="{_FONT}">{rows}</table>
{_commands(notice)}{_buttons(notice, shade)}</td></tr>
</table>
<p style="max-width:640px;margin:10px auto;color:#666a70;font-size:12px">Mailroom {escape(notice.site)}</p>
</body></html>
"""


def _row(name: str, value: str) -> str:
    shown = escape(value).replace("\n", "<br>")
    return f'<tr><td style="{_NAME}">{escape(name)}</td><td style="{_VALUE}">{shown}</td></tr>'


def _commands(notice: Notice) -> str:
    if not notice.commands:
        return ""
    commands = escape("\n".join(notice.commands))
    return f'<pre style="{_CODE}">{commands}</pre>'


def _buttons(notice: Notice, shade: str) -> str:
    links = [("Open the incident", notice.link), ("Open the document", notice.document_link)]
    return "".join(
        f'<a href="{escape(link)}" style="{_BUTTON};background:{shade}">{name}</a>' for name, link in links if link
    )
