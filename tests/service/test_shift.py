"""What the shift crew sees and does."""

import json
import time
from contextlib import ExitStack
from typing import Any

import pytest

from skdqm.service import _routes_shift
from skdqm.service._errors import RequestError
from skdqm.service._streams import MOST_STREAMS, Streams
from tests.service.conftest import Histograms, dead, lumisection


def fault(client: Any, histograms: Histograms, *numbers: int, run: int = 370_000) -> None:
    """Let some lumisections come, with a dead corner in their map."""
    row = histograms.good.iloc[0]
    given = [lumisection(row, number, run, map=dead(row)) for number in numbers]
    answer = client.post("/v1/models/pixel/score", json={"lumisections": given})
    assert answer.status_code == 200, answer.text


def good(client: Any, histograms: Histograms, *numbers: int) -> None:
    row = histograms.good.iloc[0]
    given = [lumisection(row, number) for number in numbers]
    client.post("/v1/models/pixel/score", json={"lumisections": given})


def alarms(client: Any, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(
        "/v1/alarms", params={"model": "pixel", **asked}
    ).json()
    return found


def test_neighbouring_lumisections_are_one_alarm(client: Any, histograms: Histograms) -> None:
    fault(client, histograms, 10, 11, 13)
    good(client, histograms, 14, 15, 16)
    fault(client, histograms, 17)
    fault(client, histograms, 14, run=370_001)
    ranges = [(a["run"], a["first_lumisection"], a["last_lumisection"]) for a in alarms(client)]
    assert sorted(ranges) == [(370_000, 10, 13), (370_000, 17, 17), (370_001, 14, 14)]


def test_a_lumisection_that_is_judged_again_is_counted_once(
    client: Any, histograms: Histograms
) -> None:
    fault(client, histograms, 10)
    fault(client, histograms, 10)
    (alarm,) = alarms(client)
    assert alarm["n_flagged"] == 1


def test_an_alarm_shows_its_histogram_beside_what_was_expected(
    client: Any, histograms: Histograms
) -> None:
    fault(client, histograms, 10)
    (alarm,) = alarms(client)
    assert (alarm["culprit"], alarm["masked"], alarm["acknowledged"]) == ("map", False, None)
    shown = client.get(f"/v1/alarms/{alarm['id']}/evidence").json()
    assert [each["title"] for each in shown["pictures"]] == ["counted", "expected", "pull"]
    assert all(each["source"].startswith("data:image/png;base64,") for each in shown["pictures"])


def test_an_alarm_of_events_shows_features(client: Any, events: Any) -> None:
    client.post("/v1/score", json={"events": events.bad[:30].to_numpy().tolist()})
    alarm = client.get("/v1/alarms", params={"model": "tracker"}).json()[0]
    shown = client.get(f"/v1/alarms/{alarm['id']}/evidence").json()
    assert shown["features"][0]["name"] == alarm["culprit"]
    assert shown["features"][0]["share"] >= shown["features"][-1]["share"] > 0


def test_acknowledging_is_audited_and_can_be_taken_back(
    client: Any, histograms: Histograms
) -> None:
    fault(client, histograms, 10)
    (alarm,) = alarms(client)
    path = f"/v1/alarms/{alarm['id']}/acknowledge"
    seen = client.post(path, json={"comment": "known: ROC 7 is off"}).json()
    assert seen["acknowledged"]["comment"] == "known: ROC 7 is off"
    assert alarms(client, open=True) == []
    assert client.delete(path).json()["acknowledged"] is None
    assert len(alarms(client, open=True)) == 1
    actions = [each["action"] for each in client.get("/v1/audit").json()]
    assert actions[:2] == ["withdraw", "acknowledge"]


def test_a_masked_element_does_not_ring_until_it_is_unmasked(
    client: Any, histograms: Histograms
) -> None:
    fault(client, histograms, 10)
    body = {"model": "pixel", "culprit": "map", "comment": "broken cable"}
    mask = client.post("/v1/masks", json=body).json()
    assert client.post("/v1/masks", json=body).json()["id"] == mask["id"]
    fault(client, histograms, 30)
    assert [each["masked"] for each in alarms(client)] == [True, True]
    assert client.delete(f"/v1/masks/{mask['id']}").json()["removed"] is not None
    fault(client, histograms, 50)
    assert len(alarms(client, open=True)) == 1
    assert client.get("/v1/masks").json() == []


def test_things_that_are_not_there_are_404(client: Any) -> None:
    for method, path in [
        ("GET", "/v1/alarms/999"),
        ("GET", "/v1/alarms/999/evidence"),
        ("DELETE", "/v1/alarms/999/acknowledge"),
        ("DELETE", "/v1/masks/999"),
    ]:
        assert client.request(method, path).status_code == 404


def test_a_stream_begins_with_how_things_are(client: Any, histograms: Histograms) -> None:
    fault(client, histograms, 1)
    client.app.state.service.end_streams()  # or it would not end
    lines = client.get("/v1/stream", params={"model": "pixel"}).text.splitlines()
    assert "event: snapshot" in lines
    (data,) = (json.loads(line[5:]) for line in lines if line.startswith("data:"))
    assert [point["key"] for point in data["points"]] == ["370000/1"]
    assert data["alarms"][0]["culprit"] == "map"
    assert data["model"]["name"] == "pixel"
    assert [mark["action"] for mark in data["marks"]] == ["load"]
    assert client.get("/v1/stream", params={"model": "muons"}).status_code == 404


def test_a_stream_goes_on_with_what_is_new_and_tells_it_once(
    client: Any, histograms: Histograms
) -> None:
    service, began = client.app.state.service, time.time()
    good(client, histograms, 1)
    snapshot = _routes_shift._snapshot(service, "pixel")
    sent = _routes_shift.Sent(snapshot)

    def news() -> dict[str, list[Any]]:
        changes = _routes_shift._changes(service, "pixel", began)
        return {event: sent.new(event, rows) for event, rows in changes}

    assert not any(news().values())
    fault(client, histograms, 2)
    told = news()
    assert [point["key"] for point in told["points"]] == ["370000/2"]
    assert told["alarms"][0]["culprit"] == "map"
    assert not any(news().values())
    client.post(f"/v1/alarms/{told['alarms'][0]['id']}/acknowledge", json={})
    assert [alarm["acknowledged"]["by"] for alarm in news()["alarms"]] == ["anonymous"]


def test_there_are_not_more_streams_than_a_worker_feeds() -> None:
    streams = Streams()
    with ExitStack() as stack:
        for _ in range(MOST_STREAMS):
            stack.enter_context(streams.one_more())
        with pytest.raises(RequestError), streams.one_more():
            pass
    with streams.one_more():
        pass
