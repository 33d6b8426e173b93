"""Comparisons of histograms with an expectation, on plain arrays.

Residuals of each bin (:func:`pulls`, :func:`deviance_residuals`, :func:`beta_binomial_residuals`),
statistics of a whole histogram (:func:`max_pull`, :func:`mean_chi2`, :func:`modified_chi2`,
:func:`kolmogorov_smirnov`), and p-values (:func:`two_sided_p_values`, :func:`adjust_p_values`,
:func:`combine_p_values`). Each row of an array is a histogram and is judged alone.
"""

from skdqm.statistics._p_values import adjust_p_values, combine_p_values, two_sided_p_values
from skdqm.statistics._residuals import beta_binomial_residuals, deviance_residuals, pulls
from skdqm.statistics._summaries import kolmogorov_smirnov, max_pull, mean_chi2, modified_chi2

__all__ = [
    "adjust_p_values",
    "beta_binomial_residuals",
    "combine_p_values",
    "deviance_residuals",
    "kolmogorov_smirnov",
    "max_pull",
    "mean_chi2",
    "modified_chi2",
    "pulls",
    "two_sided_p_values",
]
