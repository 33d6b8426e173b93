"""Whatever the description of the interface allows, the service answers, and not with a 5xx."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings

from skdqm.service import Settings, create_app
from tests.service.conftest import Events, Histograms

# Streams do not end.
ENDLESS = "/v1/stream"


@pytest.fixture(scope="module")
def app(
    events: Events, histograms: Histograms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FastAPI]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    made = create_app(
        Settings(
            [events.path, histograms.path],
            database=f"sqlite:///{folder / 'service.sqlite'}",
            allow_update=True,
            hosts=("*",),
        )
    )
    service = made.state.service
    service.open()
    yield made
    service.close()


def test_no_request_that_is_described_gives_a_server_error(app: FastAPI) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path=ENDLESS)
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        def answers(case: Any) -> None:
            found = case.call().status_code
            assert found < 500, case.as_curl_command()

        answers()


def test_every_answer_of_the_service_is_described(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            if path.startswith("/v1"):
                assert {"422", "503"} <= set(operation["responses"]), (method, path)


def test_a_service_without_tokens_describes_none(app: FastAPI) -> None:
    assert "securitySchemes" not in app.openapi()["components"]
