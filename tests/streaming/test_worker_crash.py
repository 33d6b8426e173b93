"""kill -9 at random moments: what the sinks hold is what an uninterrupted worker writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from skdqm.streaming import StreamWorker
from tests.streaming.crash_program import THRESHOLDS, data, sink_of, stream_of
from tests.streaming.workers import SINKS, read, without_time

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a program that was killed at random moments until it was through."""
    folder = tmp_path_factory.mktemp("killed")
    program = [sys.executable, "-m", "tests.streaming.crash_program", str(folder), "7"]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(SINKS) * len(THRESHOLDS)
    return folder


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("kind", SINKS)
def test_kills_lose_and_double_no_record(
    kind: str, threshold: str, killed: Path, tmp_path: Path
) -> None:
    whole = sink_of(kind, threshold, tmp_path)
    with StreamWorker(stream_of(threshold), sink=whole) as worker:
        worker.submit_many(data())
    expected = without_time(read(whole))
    assert {record["kind"] for record in expected} == {"anomaly", "malformed"}
    assert without_time(read(sink_of(kind, threshold, killed))) == expected
