"""A problem as a response of Starlette's."""

from starlette.responses import Response

from receiver.http.problems import ErrorReply


def respond(problem: ErrorReply) -> Response:
    """The response that says it."""
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(problem.body, problem.status, headers, media_type="application/json")
