from types import SimpleNamespace

import numpy as np
import pytest

from skdqm.detectors import AutoencoderDetector, HistogramDetector
from skdqm.monitoring import MinimumEntries
from skdqm.out_of_core._epochs import epochs_of, learn_once, learn_shuffled


@pytest.mark.parametrize(
    ("detector", "n_epochs"),
    [
        (HistogramDetector(), 1),
        (AutoencoderDetector(max_epochs=7), 7),
        (MinimumEntries(AutoencoderDetector(max_epochs=5)), 5),
    ],
)
def test_passes_are_those_that_the_detector_asks_for(detector, n_epochs):
    assert epochs_of(detector) == n_epochs


def test_the_loss_of_a_pass_is_the_mean_over_rows():
    class Detector(SimpleNamespace):
        def partial_fit(self, block):
            loss = float(block.mean())
            self.history_ = [*self.history_, {"epoch": 0, "train_loss": loss, "dur": 0.5}]

    detector = Detector(history_=[{"epoch": 1, "train_loss": 9.0, "dur": 1.0}])
    learn_once(detector, [np.zeros((10, 1)), np.ones((30, 1))])
    assert detector.history_[1:] == [{"epoch": 2, "train_loss": 0.75, "dur": 1.0}]


def test_progress_counts_blocks_of_all_passes_on_standard_error(capsys):
    class Rows(list):
        n_blocks = 2

    X = np.random.default_rng(0).normal(size=(200, 2))
    detector = AutoencoderDetector(hidden_layer_sizes=(4,), random_state=0, verbose=1)
    learn_shuffled(detector, Rows([X[:100], X[100:]]), 3)
    out, err = capsys.readouterr()
    assert (out, "6/6" in err) == ("", True)
    assert detector.verbose == 1
