"""What Prometheus reads, and what is noticed without being asked."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.conftest import Events


def samples(client: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the values that Prometheus would read, by name and labels."""
    text = client.get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_verdicts_requests_and_times_are_counted(client: Any, events: Events) -> None:
    rows = events.good[:40]
    client.post("/v1/score", json={"events": rows.to_numpy().tolist()})
    client.post("/v1/score", json={"features": []})
    found = samples(client)
    n_flagged = float((events.model.predict(rows) == -1).sum())
    assert found["skdqm_events_total", ("good", "tracker")] == 40 - n_flagged
    assert found["skdqm_requests_total", ("/v1/score", "200", "POST")] == 1
    assert found["skdqm_requests_total", ("/v1/score", "422", "POST")] == 1
    assert found["skdqm_request_seconds_count", ("/v1/score",)] == 2


def test_threshold_version_scores_and_open_alarms_are_shown(client: Any, events: Events) -> None:
    client.post("/v1/score", json={"events": events.bad[:40].to_numpy().tolist()})
    client.post("/v1/models/tracker/threshold", json={"alarm_rate": 0.05})
    client.app.state.service.look()
    found = samples(client)
    threshold = client.get("/v1/models/tracker").json()["threshold"]
    assert found["skdqm_threshold", ("tracker",)] == pytest.approx(threshold)
    assert found["skdqm_model_version", ("tracker",)] == 2
    alarms = client.get("/v1/alarms", params={"model": "tracker", "open": True}).json()
    assert found["skdqm_open_alarms", ("tracker",)] == len(alarms) > 0


def test_unknown_paths_make_no_labels_of_their_own(client: Any) -> None:
    for path in ("/a", "/b", "/v1/models/c", "/v1/alarms/9"):
        client.get(path)
    routes = {labels for name, labels in samples(client) if name == "skdqm_requests_total"}
    assert not [labels for labels in routes if {"/a", "/b", "/v1/models/c"} & set(labels)]


def test_drift_is_marked_counted_and_audited_once(client: Any, events: Events) -> None:
    service = client.app.state.service
    for start in range(0, 1000, 200):
        rows = events.good[start : start + 200] * 1.05
        client.post("/v1/score", json={"events": rows.to_numpy().tolist()})
    service.look()
    n_drifts = samples(client)["skdqm_drifts_total", ("tracker",)]
    entries = [each for each in client.get("/v1/audit").json() if each["action"] == "drift"]
    assert len(entries) == 1
    assert entries[0]["detail"] == {"n": n_drifts}
    service.look()
    assert samples(client)["skdqm_drifts_total", ("tracker",)] == n_drifts
    (mark,) = [each for each in service.storage.shift.marks("tracker") if each["action"] == "drift"]
    assert mark["key"].startswith("t/")


def test_a_storage_that_does_not_answer_is_said_once_and_ends_nothing(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import time

    from skdqm.service._writer import StorageError

    service = client.app.state.service
    calls: list[int] = []

    def down(names: list[str]) -> dict[str, int]:
        calls.append(len(names))
        raise StorageError("it is away")

    monkeypatch.setattr("skdqm.service._service.SECONDS", 0.01)
    monkeypatch.setattr(service.storage.versions, "active", down)
    deadline = time.monotonic() + 30
    while len(calls) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(calls) >= 3
    assert caplog.text.count("it is away") == 1
    assert client.get("/health/live").status_code == 200
