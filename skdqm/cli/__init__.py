"""The command line: ``skdqm train``, ``score``, ``evaluate``, ``update``, ``demo`` and more.

Data goes to standard output, messages and progress to standard error. Exit codes: 0 done,
1 anomalies found (only with ``--fail-on-anomaly``), 2 wrong usage, 3 unreadable data or model,
70 an error that should not happen, 129 hung up, 130 interrupted, 141 the reader of standard output
went away, 143 terminated.
"""

from skdqm.cli._app import main

__all__ = ["main"]
