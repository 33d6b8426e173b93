"""Storages to test with, on each kind of data base."""

from collections.abc import Callable, Iterator

import pytest

from skdqm.service._storage import Storage
from tests.service.postgres import database

__all__ = ["database", "made", "opened", "storage"]


@pytest.fixture
def made() -> Iterator[Callable[..., Storage]]:
    """Make storages, which are closed after the test."""
    known: list[Storage] = []

    def make(url: str, **options: int) -> Storage:
        known.append(Storage(url, **options))
        return known[-1]

    yield make
    for each in known:
        each.close()


@pytest.fixture
def opened(made: Callable[..., Storage]) -> Callable[..., Storage]:
    """Make and open storages, which are closed after the test."""

    def make(url: str, **options: int) -> Storage:
        storage = made(url, **options)
        storage.upgrade()
        storage.open()
        return storage

    return make


@pytest.fixture
def storage(opened: Callable[..., Storage], database: str) -> Storage:
    """An empty storage of each kind."""
    return opened(database)
