"""An error that is raised in several places."""

from skdqm.exceptions import WorkerError


def again(error: WorkerError) -> WorkerError:
    """Return the same error, to be raised in another place."""
    same = WorkerError(*error.args)
    same.__cause__ = error.__cause__
    return same
