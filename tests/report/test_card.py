import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdqm.report import model_card

FACTS: dict[str, Any] = {
    "model": "jets.skdqm",
    "steps": ["JetFeatures", "VAEDetector"],
    "features": [f"x{place}" for place in range(20)],
    "parameters": {"score": "elbo", "latent_dim": None, "early_stopping": False},
    "threshold": 27.5,
    "alarm_rate": 0.01,
    "alarm_rate_interval": [0.004, 0.019],
    "epochs": 50,
    "data": "events.h5",
    "n_rows": 1200,
    "sha256": "5ea1",
    "label": None,
    "options": {"detector": "vae", "settings": []},
    "updates": [{"data": "new.h5", "n_rows": 300}, {"data": "newer.h5", "epochs": 2}],
    "versions": {"skdqm": "0.1.0", "torch": "2.13.0"},
    "checksum": "abc123",
}
METRICS = {
    "data": "test.h5",
    "n_rows": 900,
    "threshold": 27.5,
    "alarm_rate": 0.01,
    "confidence_level": 0.9,
    "figures": {"roc_auc": {"estimate": 0.8, "low": 0.7, "high": 0.9, "meaning": "area"}},
    "versions": {"numpy": "2.4"},
}


def section(card: str, name: str) -> str:
    """Return the text of a section, empty if there is none."""
    _, _, rest = card.partition(f"## {name}\n")
    return rest.partition("\n## ")[0]


def test_it_says_what_the_model_is_and_which_file():
    card = model_card(FACTS)
    assert card.startswith("# Model card: jets.skdqm\n\n`VAEDetector`, behind `JetFeatures`:")
    assert "`abc123`" in card
    model = section(card, "Model")
    assert "| `score` | elbo |" in model
    assert "| `latent_dim` | none |" in model
    assert "| `early_stopping` | no |" in model
    assert "x15, ... (20 in all) |" in model


def test_it_says_what_the_model_learned_from():
    data = section(model_card(FACTS), "Training data")
    assert "| data | events.h5 |" in data
    assert "| rows | 1200 |" in data
    assert "| SHA-256 of the rows | 5ea1 |" in data
    assert "detector: vae, settings: none" in data
    assert "threshold" not in data


def test_a_promised_rate_has_its_interval():
    threshold = section(model_card(FACTS), "Threshold")
    assert "27.5" in threshold
    assert "0.01 of such rows" in threshold
    assert "between 0.004 and 0.019 (95 %)" in threshold
    assert "exchangeable" in section(model_card(FACTS), "Limits")


def test_without_calibration_nothing_is_promised():
    card = model_card({**FACTS, "alarm_rate": None, "alarm_rate_interval": None})
    assert "No alarm rate is promised" in section(card, "Threshold")
    assert "No alarm rate is promised" in section(card, "Limits")


def test_updates_with_other_facts_share_one_table():
    updates = section(model_card(FACTS), "Updates").splitlines()
    assert "| data | rows | epochs |" in updates
    assert "| new.h5 | 300 |  |" in updates
    assert "| newer.h5 |  | 2 |" in updates
    assert "None since it was trained." in model_card({**FACTS, "updates": []})


def test_figures_come_with_their_interval_and_meaning():
    metrics = section(model_card(FACTS, metrics=METRICS), "Metrics")
    assert "| roc_auc | 0.8 | 0.7 | 0.9 | area |" in metrics
    assert "| data | test.h5 |" in metrics
    assert "90 % confidence" in metrics
    assert "numpy" not in metrics
    assert "threshold of" not in metrics
    assert "## Metrics" not in model_card(FACTS)


def test_figures_of_another_threshold_are_told_apart():
    metrics = section(model_card(FACTS, metrics={**METRICS, "threshold": 9.0}), "Metrics")
    assert "threshold of 9" in metrics


def test_a_model_that_follows_a_stream_tells_its_history():
    history = {
        "rows_seen": 5120,
        "status": "drift",
        "version": 3,
        "versions_kept": [2, 3],
        "experts": [{"number": 1, "active": True, "n_learned": 480}],
        "tickets": [],
    }
    updates = section(model_card({**FACTS, **history}), "Updates")
    assert '5,120 rows seen, the latest block was found to be "drift"' in updates
    assert "Version 3 is in force; kept are 2, 3." in updates
    assert "| number | active | rows learned |" in updates
    assert "Tickets:\n\nnone." in updates


def test_versions_of_a_service_have_their_time():
    versions = [
        {"version": 1, "time": 0.0, "actor": "ana", "action": "load", "threshold": 3.0},
        {"version": 2, "time": 86400.5, "actor": "bo", "action": "threshold", "threshold": 2.5},
    ]
    table = section(model_card(FACTS, versions=versions), "Versions in service")
    assert "| 1 | 1970-01-01 00:00:00 UTC | ana | load | 3 |" in table
    assert "| 2 | 1970-01-02 00:00:00 UTC | bo | threshold | 2.5 |" in table
    assert "## Versions in service" not in model_card(FACTS)


def test_lumisections_are_called_so():
    assert "lumisections" in section(model_card({**FACTS, "kind": "dqm"}), "Intended use")


def test_little_is_enough():
    card = model_card({"model": "m", "steps": ["HistogramDetector"], "threshold": 1})
    assert card.endswith("\n")
    assert "## Software" not in card


@pytest.mark.parametrize("value", ["a|b", "<script>", "two\nlines", "\\|", "| --- |\n## Limits"])
def test_what_a_file_says_cannot_leave_its_cell(value):
    plain = model_card(FACTS)
    card = model_card({**FACTS, "data": value})
    assert len(card.splitlines()) == len(plain.splitlines())
    line = next(line for line in card.splitlines() if line.startswith("| data |"))
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
    assert "<script" not in card


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_json_value_gives_the_same_card_twice_and_stays_in_its_line(value):
    card = model_card({**FACTS, "label": value})
    assert card == model_card({**FACTS, "label": value})
    assert sum(line.startswith("| ") for line in card.split("\n")) == sum(
        line.startswith("| ") for line in model_card(FACTS).split("\n")
    )
