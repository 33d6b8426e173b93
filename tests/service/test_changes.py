"""Models that learn, thresholds that move, versions that come back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.persistence import load, save
from skdqm.service._errors import RequestError
from tests.cli.conftest import run_command
from tests.service.conftest import Events, Histograms, lumisection


def facts(client: Any, name: str = "tracker") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/models/{name}").json()
    return found


def test_models_say_what_they_take(client: Any, events: Events) -> None:
    first, second = client.get("/v1/models").json()
    assert (first["name"], first["kind"], first["is_default"]) == ("tracker", "events", True)
    assert first["features"] == list(events.good.columns)
    assert second["elements"] == {"charge": [20], "map": [6, 4]}


def test_an_update_makes_a_version_that_keeps_its_promise(client: Any, events: Events) -> None:
    body = {"events": events.good[:800].to_numpy().tolist()}
    answer = client.post("/v1/update", json=body).json()
    assert (answer["model"], answer["version"]) == ("tracker", 2)
    now = facts(client)
    assert (now["version"], now["alarm_rate"]) == (2, 0.01)
    assert [each["action"] for each in now["versions"]] == ["load", "update"]
    entry = client.get("/v1/audit").json()[0]
    assert (entry["action"], entry["detail"]["n_rows"]) == ("update", 800)
    flagged = int((events.model.predict(events.good[:800]) == -1).sum())
    assert entry["detail"]["n_flagged"] == flagged > 0
    marks = client.app.state.service.storage.shift.marks("tracker")
    assert marks[-1]["text"].startswith(f"version 2 has learned 800 rows, {flagged} of them")


def test_lumisections_are_learned_as_good_ones(client: Any, histograms: Histograms) -> None:
    given = [lumisection(row, i) for i, (_, row) in enumerate(histograms.good.iterrows())]
    path = "/v1/models/pixel/update"
    assert client.post(path, json={"lumisections": given}).json()["version"] == 2
    assert facts(client, "pixel")["alarm_rate"] == 0.02


def test_too_few_rows_change_nothing(client: Any, events: Events) -> None:
    body = {"events": events.good[:10].to_numpy().tolist()}
    answer = client.post("/v1/update", json=body)
    assert answer.status_code == 422
    assert "expected" in answer.json()["detail"][0]["msg"]
    assert facts(client)["version"] == 1


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_rows_that_cannot_be_judged_are_not_learned(
    serving: Callable[..., Any], events: Events, tmp_path: Path
) -> None:
    counts = events.good[:500].abs()
    detector = AutoencoderDetector(
        loss="poisson", hidden_layer_sizes=(4,), max_epochs=1, random_state=0
    )
    small = make_pipeline(StandardScaler(), HistogramDetector())
    save(detector.fit(counts), tmp_path / "counts.skdqm")
    save(small.fit(1e-3 * counts), tmp_path / "small.skdqm")
    models = tmp_path / "counts.skdqm", tmp_path / "small.skdqm"
    with serving(*models, allow_update=True) as client:
        for name, rows in [("counts", -counts), ("small", 0 * counts + 1.7e308)]:
            body = {"events": rows.to_numpy().tolist()}
            answer = client.post(f"/v1/models/{name}/update", json=body)
            assert answer.status_code == 422, answer.text
            assert facts(client, name)["version"] == 1


def test_another_alarm_rate_moves_the_threshold_by_what_is_known(client: Any) -> None:
    before = facts(client)["threshold"]
    path = "/v1/models/tracker/threshold"
    answer = client.post(path, json={"alarm_rate": 0.1, "comment": "quiet night"}).json()
    assert answer["threshold"] < before
    entry = client.get("/v1/audit").json()[0]
    assert entry["detail"]["threshold_before"] == before
    assert entry["detail"]["comment"] == "quiet night"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"alarm_rate": 0.1, "threshold": 2.0}, 422),
        ({"alarm_rate": 2}, 422),
        ({"alarm_rate": 1e-9}, 422),
        ({"threshold": 2.0}, 409),
        ({"alarm_rate": "0.1"}, 422),
    ],
)
def test_other_thresholds_are_refused(client: Any, body: dict[str, Any], status: int) -> None:
    answer = client.post("/v1/models/tracker/threshold", json=body)
    assert answer.status_code == status
    assert facts(client)["version"] == 1


def test_a_threshold_without_a_promise_is_a_number(
    serving: Callable[..., Any], events: Events, tmp_path: Any
) -> None:
    save(HistogramDetector().fit(events.good[:500]), tmp_path / "plain.skdqm")
    with serving(tmp_path / "plain.skdqm", allow_update=True) as client:
        path = "/v1/models/plain/threshold"
        assert client.post(path, json={"alarm_rate": 0.1}).status_code == 409
        assert client.post(path, json={"threshold": 3.5}).json()["threshold"] == 3.5


def test_an_earlier_version_judges_again(client: Any, events: Events) -> None:
    row = {"features": events.good.iloc[0].tolist()}
    before = client.post("/score", json=row).json()
    client.post("/v1/update", json={"events": events.good[:800].to_numpy().tolist()})
    assert client.post("/score", json=row).json() != before
    answer = client.post("/v1/models/tracker/rollback", json={"version": 1})
    assert answer.json()["version"] == 1
    assert client.post("/score", json=row).json() == before
    assert client.post("/v1/models/tracker/rollback", json={"version": 9}).status_code == 404


def test_without_leave_nothing_changes(serving: Callable[..., Any], events: Events) -> None:
    with serving(events.path) as client:
        for path, body in [
            ("/v1/update", {"features": [1] * 6}),
            ("/v1/models/tracker/update", {"features": [1] * 6}),
            ("/v1/models/tracker/threshold", {"alarm_rate": 0.1}),
            ("/v1/models/tracker/rollback", {"version": 1}),
        ]:
            assert client.post(path, json=body).status_code == 403


def test_a_model_that_cannot_learn_says_so(
    serving: Callable[..., Any], events: Events, tmp_path: Any
) -> None:
    from sklearn.preprocessing import StandardScaler

    from skdqm.detectors import PyODDetector

    model = make_pipeline(StandardScaler(), PyODDetector(model="ECOD")).fit(events.good[:300])
    save(model, tmp_path / "ecod.skdqm")
    with serving(tmp_path / "ecod.skdqm", allow_update=True) as client:
        answer = client.post("/v1/update", json={"features": events.good.iloc[0].tolist()})
        assert answer.status_code == 409


def test_what_was_learned_survives_a_restart(serving: Callable[..., Any], events: Events) -> None:
    row = {"features": events.good.iloc[0].tolist()}
    with serving(events.path, allow_update=True) as client:
        client.post("/v1/update", json={"events": events.good[:800].to_numpy().tolist()})
        learned = client.post("/score", json=row).json()
    with serving(events.path) as client:
        assert facts(client)["version"] == 2
        assert client.post("/score", json=row).json() == learned


def test_another_file_is_another_version(
    serving: Callable[..., Any], events: Events, tmp_path: Any
) -> None:
    other = tmp_path / "tracker.skdqm"
    save(events.model, other, metadata={"data": "another.csv"})
    for path, expected in [(events.path, 1), (other, 2), (other, 2)]:
        with serving(path) as client:
            assert facts(client)["version"] == expected


def test_two_who_change_a_model_at_once_do_not_both_win(
    serving: Callable[..., Any], events: Events
) -> None:
    with serving(events.path) as one, serving(events.path) as other:
        first, second = (each.app.state.service.default for each in (one, other))
        first.set_threshold({"alarm_rate": 0.1}, "a", "")
        with pytest.raises(RequestError, match="somebody else") as caught:
            second.set_threshold({"alarm_rate": 0.2}, "b", "")
        assert caught.value.status == 409
        other.app.state.service.look()
        assert second.current.number == first.current.number == 2
        assert second.set_threshold({"alarm_rate": 0.2}, "b", "").number == 3


def test_news_of_a_version_that_is_over_changes_nothing(client: Any) -> None:
    hosted = client.app.state.service.default
    hosted.set_threshold({"alarm_rate": 0.1}, "a", "")
    hosted.follow(1)  # what somebody has read just before
    assert hosted.current.number == 2


def test_the_file_of_a_version_is_a_model_of_its_own(
    client: Any, events: Events, tmp_path: Any
) -> None:
    client.post("/v1/update", json={"events": events.good[:800].to_numpy().tolist()})
    answer = client.get("/v1/models/tracker/versions/2")
    (tmp_path / "learned.skdqm").write_bytes(answer.content)
    learned = load(tmp_path / "learned.skdqm")
    row = events.good[800:801]
    found = client.post("/score", json={"features": row.iloc[0].tolist()}).json()["anomaly_score"]
    assert -learned.score_samples(row)[0] == found
    assert client.get("/v1/models/tracker/versions/1").content == events.path.read_bytes()
    assert client.get("/v1/models/tracker/versions/9").status_code == 404
    card = run_command("card", tmp_path / "learned.skdqm").out
    assert "800" in card
