"""Verdicts over HTTP are those of the model."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.detectors import HistogramDetector
from skdqm.persistence import save
from tests.service.conftest import Events, Histograms, dead, lumisection

ARROW = "application/vnd.apache.arrow.stream"


def test_scores_are_those_of_the_model_to_the_bit(client: Any, events: Events) -> None:
    rows = events.good[:50]
    answer = client.post("/v1/score", json={"events": rows.to_numpy().tolist()}).json()
    found = [each["anomaly_score"] for each in answer["verdicts"]]
    assert found == (-events.model.score_samples(rows)).tolist()
    assert [each["verdict"] for each in answer["verdicts"]] == events.model.predict(rows).tolist()


def test_one_event_is_judged_as_among_many(client: Any, events: Events) -> None:
    rows = events.good[:5].to_numpy().tolist()
    together = client.post("/v1/score", json={"events": rows}).json()["verdicts"]
    apart = [client.post("/v1/score", json={"features": row}).json()["verdicts"] for row in rows]
    assert [one for (one,) in apart] == together


def test_p_values_and_thresholds_are_told(client: Any, events: Events) -> None:
    row = events.good[:1]
    body = {"features": row.iloc[0].to_dict()}
    (verdict,) = client.post("/v1/models/tracker/score", json=body).json()["verdicts"]
    detector = events.model[-1]
    assert verdict["p_value"] == detector.p_values(events.model[:-1].transform(row))[0]
    assert verdict["threshold"] == -detector.offset_


def test_the_plain_form_answers_one_score(client: Any, events: Events) -> None:
    answer = client.post("/score", json={"features": events.good.iloc[0].tolist()})
    expected = -events.model.score_samples(events.good[:1])[0]
    assert answer.json() == {"anomaly_score": expected, "is_anomaly": False}
    assert client.get("/health").json() == {"status": "ok"}


def test_flagged_events_are_explained(client: Any, events: Events) -> None:
    body = {"events": events.bad[:50].to_numpy().tolist()}
    verdicts = client.post("/v1/score", json=body).json()["verdicts"]
    flagged = [each for each in verdicts if each["is_anomaly"]]
    assert flagged
    for each in flagged:
        assert each["culprit"] in events.bad.columns
        assert each["culprit"] in each["reason"]
    assert all(each["reason"] is None for each in verdicts if not each["is_anomaly"])


@pytest.mark.parametrize("form", ["csv", "npy", "arrow"])
def test_tables_in_other_forms_give_the_same(client: Any, events: Events, form: str) -> None:
    rows = events.good[:20]
    npy = io.BytesIO()
    np.save(npy, rows.to_numpy())
    sink = pa.BufferOutputStream()
    batch = pa.RecordBatch.from_pandas(rows, preserve_index=False)
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content, kind = {
        "csv": (rows.to_csv(index=False).encode(), "text/csv"),
        "npy": (npy.getvalue(), "application/x-npy"),
        "arrow": (bytes(sink.getvalue()), ARROW),
    }[form]
    asked = {"content-type": kind, "accept": "application/json"}
    answer = client.post("/v1/score", content=content, headers=asked).json()
    found = [each["anomaly_score"] for each in answer["verdicts"]]
    assert found == (-events.model.score_samples(rows)).tolist()


def test_binary_questions_are_answered_in_arrow(client: Any, events: Events) -> None:
    npy = io.BytesIO()
    np.save(npy, events.good[:20].to_numpy())
    answer = client.post(
        "/v1/score", content=npy.getvalue(), headers={"content-type": "application/x-npy"}
    )
    assert answer.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(answer.content).read_all()
    expected = -events.model.score_samples(events.good[:20])
    assert table.column("anomaly_score").to_pylist() == expected.tolist()


def test_verdicts_are_kept_before_they_are_answered(client: Any, events: Events) -> None:
    body = {"events": events.good[:30].to_numpy().tolist(), "run": 5, "lumisection": 6}
    answer = client.post("/v1/score", json=body).json()
    kept = client.get("/v1/verdicts", params={"after_id": answer["first_id"] - 1}).json()
    assert len(kept) == 30
    assert [each["anomaly_score"] for each in kept] == [
        each["anomaly_score"] for each in answer["verdicts"]
    ]
    assert {(each["run"], each["lumisection"]) for each in kept} == {(5, 6)}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"features": [1.0, 2.0]}, "features"),
        ({"features": {"x": 1}}, "channel_00"),
        ({"events": [[1, 2, 3, 4, 5, None]]}, "channel_05"),
    ],
)
def test_the_wrong_field_is_named(client: Any, body: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/score", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == field


def test_no_number_of_python_is_one_of_ours(client: Any) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/score", content=b'{"features": [NaN,1,2,3,4,5]}', headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == "channel_00"


def test_lumisections_are_judged_by_all_elements(client: Any, histograms: Histograms) -> None:
    rows = histograms.good[:10]
    given = [lumisection(row, i) for i, (_, row) in enumerate(rows.iterrows(), start=1)]
    given[3] = lumisection(rows.iloc[3], 4, map=dead(rows.iloc[3]))
    path = "/v1/models/pixel/score"
    verdicts = client.post(path, json={"lumisections": given}).json()["verdicts"]
    expected = histograms.model.named_steps["elements"].verdicts(rows)
    assert verdicts[3]["culprit"] == "map"
    assert "dead" in verdicts[3]["reason"]
    for place in (0, 1, 2, 9):
        assert verdicts[place]["anomaly_score"] == expected["anomaly_score"].iloc[place]
        assert verdicts[place]["verdict"] == expected["verdict"].iloc[place]


def test_too_little_data_is_no_verdict(client: Any, histograms: Histograms) -> None:
    row = histograms.good.iloc[0] * 0
    body = {"lumisections": [lumisection(row, 1)]}
    (verdict,) = client.post("/v1/models/pixel/score", json=body).json()["verdicts"]
    assert (verdict["verdict"], verdict["is_anomaly"]) == (0, False)
    assert (verdict["anomaly_score"], verdict["p_value"]) == (None, None)


def test_lumisections_in_any_order_are_answered_in_that_order(
    client: Any, histograms: Histograms
) -> None:
    given = [lumisection(histograms.good.iloc[i], i + 1) for i in range(6)]
    path = "/v1/models/pixel/score"
    inwards = client.post(path, json={"lumisections": given}).json()["verdicts"]
    outwards = client.post(path, json={"lumisections": given[::-1]}).json()["verdicts"]
    assert outwards == inwards[::-1]


def test_an_unknown_model_is_named(client: Any) -> None:
    answer = client.post("/v1/models/muons/score", json={"features": [1]})
    assert answer.status_code == 404
    assert "tracker" in answer.json()["detail"]


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@pytest.mark.parametrize(
    ("steps", "status"),
    [([StandardScaler()], 200), ([StandardScaler(), PCA(3, random_state=0)], 422)],
    ids=["scaled", "projected"],
)
def test_numbers_that_overflow_behind_a_scaler_are_no_error_of_the_service(
    serving: Callable[..., Any], events: Events, tmp_path: Path, steps: list[Any], status: int
) -> None:
    model = make_pipeline(*steps, HistogramDetector()).fit(1e-3 * events.good[:500])
    save(model, tmp_path / "small.skdqm")
    with serving(tmp_path / "small.skdqm") as client:
        answer = client.post("/v1/score", json={"features": [1.7e308] * 6})
    assert answer.status_code == status, answer.text
    if status == 200:
        (verdict,) = answer.json()["verdicts"]
        assert (verdict["is_anomaly"], verdict["reason"]) == (True, "abnormal as a whole")
