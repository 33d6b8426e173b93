"""Numbers in text, read to the last bit."""

from functools import partial

import pandas as pd

from skdqm.io._delimited import _EXACT

read_csv = partial(pd.read_csv, **_EXACT)
