"""Makes a Starlette response from an error reply."""

from starlette.responses import Response

from receiver.http.problems import ErrorReply


def respond(problem: ErrorReply) -> Response:
    """The response with this error."""
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(problem.body, problem.status, headers, media_type="application/json")
