"""The README: its Python runs as printed."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 8
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="call calibrate again"):
        exec("\n".join(blocks), {})  # noqa: S102 (our own text)
    assert (tmp_path / "model.skdqm").exists()
