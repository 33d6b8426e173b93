import os
from pathlib import Path

import pytest

from skdqm.exceptions import DataError, UsageError
from skdqm.io import atomic_path


def test_file_appears_only_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "model.tar.gz"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == tmp_path
        assert temporary.name.endswith("model.tar.gz")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "model.bin"
    target.write_text("old")

    def half_done() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        half_done()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_error_before_the_first_byte_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "v1").write_text("old")
    (tmp_path / "latest").symlink_to(tmp_path / "v1")
    with atomic_path(tmp_path / "latest") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "v1").read_text() == "new"


def test_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["no_folder/a.csv", "."])
def test_impossible_target_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="folder"), atomic_path(tmp_path / name):
        pytest.fail("the block must not start")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_a_device_or_fifo_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(DataError, match="device or a FIFO"), atomic_path(target):
            pytest.fail("the block must not start")
    assert (tmp_path / "pipe").is_fifo()


def test_unfinished_files_are_recognised_by_their_name(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("")
        assert temporary.name.startswith(".skdqm-partial-")
