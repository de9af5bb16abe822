"""Refuses what a page of a stranger makes a browser send with our person's proof (CSRF).

Browsers say with each request that can change something where it comes from: ``Sec-Fetch-Site`` to https and localhost,
``Origin`` elsewhere. The cookie's ``SameSite=Strict`` stops most such requests before; a sign-in at a proxy has a
cookie that is not ours, and a page on another port of this host is of the same site.
"""

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

SAFE = frozenset({"GET", "HEAD"})
REFUSED = "this request comes from another site's page: send it from Mailroom's own page, or with a token"


def refuse_cross_site(request: Request, *, own_url: str) -> None:
    """Raises HTTPException for a request that changes something and comes from another page than ours.

    One without both headers comes from no browser. ``own_url`` is MAILROOM_OPERATOR_URL: behind a proxy ``Host`` may be
    another name than the browser's.
    """
    if request.method in SAFE:
        return
    if (site := request.headers.get("sec-fetch-site")) is not None:
        ours = site in ("same-origin", "none")
    elif (origin := request.headers.get("origin")) is not None:
        hosts = {request.headers.get("host", "").lower(), urlsplit(own_url).netloc.lower()}
        ours = urlsplit(origin).netloc.lower() in hosts - {""}
    else:
        ours = True
    if not ours:
        raise HTTPException(403, REFUSED)
