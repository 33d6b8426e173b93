import pytest
from sklearn.pipeline import Pipeline

from skdqm.cli._parameters import make_detector
from skdqm.continual import ACIThreshold, GuardedGate, ReplayStrategy, WindowMemory
from skdqm.detectors import AutoencoderDetector, NeighborsDetector, ReferenceDetector
from skdqm.exceptions import UsageError
from skdqm.persistence import load
from tests.cli.monitor_streams import rows


def continual(*settings):
    return make_detector("continual", settings, seed=3, verbose=False)


def test_a_detector_is_named_by_its_word_and_scaled_as_it_would_be_alone():
    made = continual("detector=autoencoder", "detector__max_epochs=5", "detector__lr=0.01").detector
    assert isinstance(made, Pipeline)
    assert isinstance(made[-1], AutoencoderDetector)
    assert (made[-1].max_epochs, made[-1].lr) == (5, 0.01)


def test_a_detector_of_counts_is_not_scaled():
    assert isinstance(continual("detector=reference").detector, ReferenceDetector)


def test_parameters_of_a_part_that_is_not_named_go_to_the_usual_one():
    made = continual("detector__memory_size=300", "gate__patience=500", "drift__shift=0.5")
    assert isinstance(made.detector, NeighborsDetector)
    assert (made.detector.memory_size, made.detector.metric) == (300, "mahalanobis")
    assert isinstance(made.gate, GuardedGate)
    assert (made.gate.patience, made.gate.probation) == (500, GuardedGate().probation)
    assert made.drift.shift == 0.5
    assert made.memory is None


def test_parts_have_words():
    words = ["strategy=replay", "strategy__replay=2", "memory=window", "threshold=adaptive"]
    made = continual(*words, "gate=guarded")
    assert isinstance(made.strategy, ReplayStrategy)
    assert made.strategy.replay == 2
    assert isinstance(made.memory, WindowMemory)
    assert isinstance(made.threshold, ACIThreshold)
    assert isinstance(made.gate, GuardedGate)


def test_the_usual_memory_is_that_of_the_strategy():
    made = continual("strategy=refit", "memory__size=50")
    assert isinstance(made.memory, WindowMemory)
    assert made.memory.size == 50


def test_own_parameters_and_the_seed_are_set():
    made = continual("auto_release=False", "update_every=64")
    assert (made.auto_release, made.update_every, made.random_state) == (False, 64, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["patience=5"], "did you mean gate__patience"),
        (["gate__patiance=5"], "did you mean gate__patience.*It takes gate__margin"),
        (["gate__patience=0"], "--set gate__patience: must be an int"),
        (["strategy=naive", "gate__patience=9"], "OpenGate has no such.*choose another by --set"),
        (["gate=iron"], "there is no such gate; expected one of guarded, open"),
        (["detector=iron"], "there is no such detector; expected one of .*vae"),
        (["detector=continual"], "there is no such detector"),
        (["strategy=[]"], "there is no such strategy"),
        (["drift=adwin"], "drift__shift"),
        (["update_every__x=1"], "no such parameter"),
        (["detector=vae", "detector__hidden_layer_sizes=3"], r"For one layer write \(3,\)"),
        (["detector=vae", "detector__verbose=1"], "VAEDetector has no such parameter"),
    ],
)
def test_wrong_settings_say_what_is_expected(settings, message):
    with pytest.raises(UsageError, match=message):
        continual(*settings)


def test_a_network_can_be_trained_to_follow_a_stream(run, tmp_path):
    rows(300, 0).to_csv(tmp_path / "good.csv", index=False)
    rows(500, 1).to_csv(tmp_path / "stream.csv", index=False)
    small = ["detector=autoencoder", "detector__max_epochs=2", "gate__probation=64"]
    words = [word for each in small for word in ("--set", each)]
    train = ["train", tmp_path / "good.csv", "-o", tmp_path / "m", "-d", "continual", *words]
    assert run(*train, "--alarm-rate", 0.05).code == 0
    words = ["-m", tmp_path / "m", "--update", tmp_path / "m2"]
    code, _, err = run("monitor", tmp_path / "stream.csv", *words)
    assert code == 0, err
    assert load(tmp_path / "m2")[-1].versions_[-1] > 0
