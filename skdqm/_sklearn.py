"""Every private scikit-learn name that skdqm uses, imported once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sklearn.utils._param_validation import HasMethods, Interval, Options, RealNotInt, StrOptions
from sklearn.utils.metaestimators import _BaseComposition

if TYPE_CHECKING:
    # scikit-learn ships no types: what its decorators return would be Any to users of ours.
    _Called = TypeVar("_Called", bound=Callable[..., Any])

    def _fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Called], _Called]: ...
    def validate_params(
        parameter_constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
    ) -> Callable[[_Called], _Called]: ...
    def available_if(check: Callable[[Any], bool]) -> Callable[[_Called], _Called]: ...

else:
    from sklearn.base import _fit_context
    from sklearn.utils._param_validation import validate_params
    from sklearn.utils.metaestimators import available_if

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "_BaseComposition",
    "_fit_context",
    "available_if",
    "validate_params",
]
