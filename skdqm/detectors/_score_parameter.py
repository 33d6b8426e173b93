"""A constructor parameter called ``score`` that scikit-learn does not take for a method."""

from typing import Any, NoReturn


class ScoreParameterMixin:
    """Let a detector have a parameter `score`, which says what its anomaly score is.

    scikit-learn takes whatever is called ``score`` for a method: a Pipeline offers it, a grid
    search calls it, and its checks do. So the value is remembered under that name, travels through
    ``get_params``, ``set_params`` and ``clone``, and is no attribute.
    """

    @property
    def score(self) -> NoReturn:
        """Refuse: detectors have no method of that name."""
        raise AttributeError(
            f"{type(self).__name__} has no method 'score'; the parameter of that name is in "
            "get_params(), and skdqm.metrics has scorers"
        )

    @score.setter
    def score(self, value: str) -> None:
        vars(self)["score"] = value

    @classmethod
    def _get_param_names(cls) -> list[str]:
        names: list[str] = super()._get_param_names()  # type: ignore[misc]
        return [name for name in names if name != "score"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 (scikit-learn's)
        """Return the parameters by name, as every scikit-learn estimator does.

        Parameters
        ----------
        deep : bool, default=True
            Also return the parameters of parameters that are estimators.

        Returns
        -------
        parameters : dict
            Names and values.
        """
        others: dict[str, Any] = super().get_params(deep)  # type: ignore[misc]
        return dict(sorted({**others, "score": vars(self)["score"]}.items()))
