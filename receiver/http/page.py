"""``GET /``: the operator's page. Its files have no secrets; the data comes from the API, with the operator's token."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

CONSOLE = Path(__file__).parent / "console"
FILES = {
    "": ("index.html", "text/html"),
    "console.css": ("console.css", "text/css"),
    "console.js": ("console.js", "text/javascript"),
    "api.js": ("api.js", "text/javascript"),
    "dom.js": ("dom.js", "text/javascript"),
    "document.js": ("document.js", "text/javascript"),
    "chart.js": ("chart.js", "text/javascript"),
    "watch.js": ("watch.js", "text/javascript"),
    "calibration.js": ("calibration.js", "text/javascript"),
    "finder.js": ("finder.js", "text/javascript"),
    "event.js": ("event.js", "text/javascript"),
    "mend.js": ("mend.js", "text/javascript"),
    "selection.js": ("selection.js", "text/javascript"),
    "incident.js": ("incident.js", "text/javascript"),
    "pages.js": ("pages.js", "text/javascript"),
    "pictures.js": ("pictures.js", "text/javascript"),
    "pieces.js": ("pieces.js", "text/javascript"),
    "work.js": ("work.js", "text/javascript"),
    "stream.js": ("stream.js", "text/javascript"),
    "strip.js": ("strip.js", "text/javascript"),
}
HEADERS = {
    # The page may load its own files, talk to its own server, and nothing else.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def routes() -> list[Route]:
    """The page and its files."""

    async def page(request: Request) -> Response:
        name, media_type = FILES[request.url.path.removeprefix("/console").removeprefix("/")]
        return FileResponse(CONSOLE / name, media_type=media_type, headers=HEADERS)

    return [Route("/" if not path else f"/console/{path}", page) for path in FILES]
