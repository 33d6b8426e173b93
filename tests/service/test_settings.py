"""What a service is asked to do is checked before it does it."""

from pathlib import Path

import pytest

from skdqm.exceptions import ModelFileError, UsageError
from skdqm.service import Settings, create_app
from skdqm.service._hosted import read_file


def test_models_are_called_by_their_files_or_as_asked() -> None:
    found = Settings(["a/pixel.skdqm", "run3=b/pixel.skdqm", Path("c=d/e.skdqm")]).named_models
    assert found == {
        "pixel": Path("a/pixel.skdqm"),
        "run3": Path("b/pixel.skdqm"),
        "c": Path("d/e.skdqm"),
    }


@pytest.mark.parametrize(
    "models", [[], ["a/x.skdqm", "b/x.skdqm"], ["=x.skdqm"], ["a b=x.skdqm"], ["ä.skdqm"]]
)
def test_names_of_models_are_simple_and_different(models: list[str]) -> None:
    with pytest.raises(UsageError):
        create_app(Settings(models))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://u:hunter2@h/d", "sqlite"),
        ("nonsense", "URL"),
        ("sqlite://", "file"),
        ("sqlite:////no/such/folder/x.sqlite", "folder"),
        ("postgresql+pg8000://u:hunter2@h/d", "pg8000"),
    ],
)
def test_data_bases_are_checked_without_showing_passwords(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        create_app(Settings(["x.skdqm"], database=url))
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none\.skdqm"):
        read_file(tmp_path / "none.skdqm")
