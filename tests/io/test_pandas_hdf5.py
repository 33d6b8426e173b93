import os
import pickle

import pytest

from skdqm.exceptions import DataError
from skdqm.io._pandas_hdf5 import literals


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("names", [["pt", "énergie"], [0, 1, 70_000, -3], [], [(1, ["pt", "m"])]])
def test_literals_agree_with_pickle_on_lists(names: list[object], protocol: int) -> None:
    flat = [x for item in names for x in ([1, "pt", "m"] if isinstance(item, tuple) else [item])]
    assert list(literals(pickle.dumps(names, protocol))) == [str(name) for name in flat]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [os.getcwd, {"pt": 1}, [os.system]])
def test_literals_refuse_everything_else(value: object, protocol: int) -> None:
    with pytest.raises(DataError, match="opcode"):
        literals(pickle.dumps(value, protocol))


def test_literals_read_names_written_by_python_2() -> None:
    assert literals(b"(lp1\nS'pt'\np2\naS'eta'\np3\na.") == ("pt", "eta")
