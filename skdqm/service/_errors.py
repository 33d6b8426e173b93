"""What is wrong with a request, as an answer."""


class RequestError(Exception):
    """A request that cannot be answered as asked.

    Parameters
    ----------
    status : int
        The HTTP status, 4xx, or 503 where the service itself cannot.
    message : str
        What was found, what was expected, what to do.
    loc : tuple of (str or int), default=()
        Where in the request, as in ``("body", "events", 3, "pt_j1")``; for status 422.
    """

    def __init__(self, status: int, message: str, loc: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.loc = status, message, loc
