"""Every damaged file ends in one line that names the file."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from skdqm.exceptions import DataError
from skdqm.io import describe, iter_batches, read, write_batches

CSV = b"pt,eta\n" + b"1.5,2.5\n" * 2000


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = np.random.default_rng(0).normal(size=(2000, 4))


def parquet(path: Path) -> None:
    write_batches([pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 4)))], path)


def npz(path: Path) -> None:
    np.savez_compressed(path, X=np.random.default_rng(0).normal(size=(2000, 4)))


def npy(path: Path) -> None:
    np.save(path, np.zeros((2000, 4)))


def cut(write: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return damage


def overwritten(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        write(path)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 200] = b"\xa5" * 200
        path.write_bytes(data)

    return damage


def content(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def hdf5_holding(fill: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            fill(file)

    return write


def half_a_pandas_frame(file: h5py.File) -> None:
    file.create_group("df").attrs["pandas_type"] = np.bytes_("frame")


def frame_with_blocks_that_disagree(file: h5py.File) -> None:
    group = file.create_group("df")
    group.attrs.update({"pandas_type": np.bytes_("frame"), "nblocks": 2})
    group["axis0"] = np.array([b"pt", b"eta"])
    for i, name in enumerate((b"pt", b"eta")):
        group[f"block{i}_items"] = np.array([name])
        group[f"block{i}_values"] = np.zeros((3 + i, 1))


def object_matrix(path: Path) -> None:
    np.savez(path, X=np.array([[1, "a"], [None, {}]], dtype=object))


def object_npy(path: Path) -> None:
    np.save(path, np.array([[1, "a"], [None, {}]], dtype=object))


def idx(path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 5, 4), dtype=np.uint8)
    content = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


CASES = {
    "hdf5 cut at a half": ("a.h5", cut(hdf5, 0.5)),
    "hdf5 cut near the end": ("a.h5", cut(hdf5, 0.98)),
    "hdf5 cut in the signature": ("a.h5", cut(hdf5, 0.0001)),
    "hdf5 of zero bytes": ("a.hdf5", content(b"")),
    "text called hdf5": ("a.h5", content(CSV)),
    "hdf5 without a table": ("a.h5", hdf5_holding(lambda file: file.create_group("empty"))),
    "hdf5 with texts only": ("a.h5", hdf5_holding(lambda f: f.create_dataset("t", data=["a"]))),
    "half a pandas frame": ("a.h5", hdf5_holding(half_a_pandas_frame)),
    "pandas blocks disagree": ("a.h5", hdf5_holding(frame_with_blocks_that_disagree)),
    "parquet cut": ("a.parquet", cut(parquet, 0.7)),
    "parquet overwritten": ("a.parquet", overwritten(parquet)),
    "csv called parquet": ("a.parquet", content(CSV)),
    "npz cut": ("a.npz", cut(npz, 0.6)),
    "npz overwritten": ("a.npz", overwritten(npz)),
    "npz of objects": ("a.npz", object_matrix),
    "npz without arrays": ("a.npz", content(b"PK\x05\x06" + b"\0" * 18)),
    "npy cut": ("a.npy", cut(npy, 0.5)),
    "npy of objects": ("a.npy", object_npy),
    "idx cut": ("a.idx3-ubyte", cut(idx, 0.5)),
    "idx cut in its header": ("a.idx3-ubyte", cut(idx, 0.002)),
    "idx longer than it tells": ("a.idx", content(b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + b"x" * 9)),
    "idx of petabytes": ("a.idx", content(b"\0\0\x08\x03" + b"\xff" * 40)),
    "idx of an unknown type": ("a.idx", content(b"\0\0\x07\x03" + b"\0\0\0\1" * 5)),
    "idx without axes": ("a.idx", content(b"\0\0\x08\0" + b"\0\0\0\1" * 5)),
    "idx of labels": ("a.idx", content(b"\0\0\x08\x01\0\0\0\3" + b"123")),
    "idx without images": ("a.idx", content(b"\0\0\x08\x03" + b"\0\0\0\0" * 3)),
    "idx.gz cut": ("a.idx3-ubyte.gz", cut(idx, 0.5)),
    "idx.gz cut near the end": ("a.idx3-ubyte.gz", cut(idx, 0.999)),
    "idx.gz overwritten": ("a.idx3-ubyte.gz", overwritten(idx)),
    "idx.gz of petabytes": ("a.idx.gz", content(gzip.compress(b"\0\0\x08\x03" + b"\xff" * 40))),
    "gzipped csv called idx": ("a.idx.gz", content(gzip.compress(CSV))),
    "csv called idx": ("a.idx", content(CSV)),
    "channels last": ("a.npy", lambda path: np.save(path, np.zeros((5, 8, 8, 3)))),
    "csv.gz cut": ("a.csv.gz", content(gzip.compress(os.urandom(500).hex().encode())[:300])),
    "csv.gz cut later": ("a.csv.gz", content(gzip.compress(CSV)[:-20])),
    "csv called gz": ("a.csv.gz", content(CSV)),
    "gz called csv": ("a.csv", content(gzip.compress(CSV))),
    "csv of zero bytes": ("a.csv", content(b"")),
    "csv of blank lines": ("a.csv", content(b"\n \n\n")),
    "csv header only": ("a.csv", content(b"pt,eta\n")),
    "csv header without line end": ("a.csv", content(b"pt,eta")),
    "binary called csv": ("a.csv", content(bytes(range(256)) * 20)),
    "random bytes called csv": ("a.csv", content(np.random.default_rng(1).bytes(5000))),
    "csv in UTF-16": ("a.csv", content("pt,eta\n1,2\n".encode("utf-16"))),
    "csv in Latin-1": ("a.csv", content("pt,énergie\n1,2\n".encode("latin-1"))),
    "csv with an open quote": ("a.csv", content(b'pt,eta\n1,"2\n3,4\n')),
    "csv with NUL bytes": ("a.csv", content(b"pt,eta\n1,2\n\0\0\0,\0\n")),
    "golden json called txt": ("a.txt", content(b'{"297050": [[12, 137],\n [193, 776]]}')),
    "unknown extension": ("a.dat", content(CSV)),
    "no extension": ("a", content(CSV)),
    "root file": ("a.root", content(b"root\0\0\0\0")),
    "folder": ("a.csv", lambda path: path.mkdir()),
    "missing": ("a.csv", lambda path: None),
}


@pytest.mark.parametrize(("name", "damage"), CASES.values(), ids=CASES.keys())
def test_damaged_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / name
    damage(path)
    for attempt in (lambda: read(path), lambda: list(iter_batches(path, 100))):
        with pytest.raises(DataError) as caught:
            attempt()
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.count(str(path)) == 1
        assert "\n" not in message
        assert len(message) < len(str(path)) + 500


def test_unknown_extension_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(CSV)
    with pytest.raises(DataError, match=r"'\.dat'; expected one of \.h5 .*\.csv"):
        describe(tmp_path / "a.dat")


def test_wrong_extension_says_what_the_file_is(tmp_path: Path) -> None:
    hdf5(tmp_path / "a.csv")
    with pytest.raises(DataError, match="found HDF5, expected CSV; rename"):
        describe(tmp_path / "a.csv")


def test_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.csv: cannot open: Permission denied"):
        read(tmp_path / "a.csv")


def test_broken_link_in_a_group_does_not_hide_the_table(tmp_path: Path) -> None:
    hdf5(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["lost"] = h5py.SoftLink("/nowhere")
    assert read(tmp_path / "a.h5").X.shape == (2000, 4)


def test_damage_in_the_middle_shows_when_its_batch_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=np.ones((100, 3)), chunks=(10, 3), fletcher32=True)
        where = file["X"].id.get_chunk_info(5).byte_offset
    with path.open("rb+") as raw:
        raw.seek(where)
        raw.write(b"\xff" * 8)
    batches = iter_batches(path, 10)
    assert len(next(batches)) == 10
    with pytest.raises(DataError, match=r"a\.h5: cannot read this as HDF5"):
        list(batches)
