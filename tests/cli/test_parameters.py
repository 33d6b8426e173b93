import pytest

from skdqm.cli._parameters import make_detector
from skdqm.exceptions import UsageError


def detector(*settings):
    return make_detector("autoencoder", settings, seed=3, verbose=False)


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("latent_dim=4", "latent_dim", 4),
        ("lr=1e-4", "lr", 1e-4),
        ("hidden_layer_sizes=32,16", "hidden_layer_sizes", (32, 16)),
        ("latent_dim=None", "latent_dim", None),
        ("early_stopping=True", "early_stopping", True),
        ("loss=huber", "loss", "huber"),
        (" loss = huber ", "loss", "huber"),
    ],
)
def test_a_value_is_read_as_python_or_kept_as_text(setting, name, value):
    assert detector(setting).get_params()[name] == value


def test_the_last_of_two_settings_counts():
    assert detector("latent_dim=4", "latent_dim=5").latent_dim == 5


def test_seed_and_progress_reach_a_detector_that_takes_them():
    made = make_detector("autoencoder", [], seed=3, verbose=True)
    assert (made.random_state, made.verbose) == (3, 1)


def test_seed_and_progress_are_kept_from_a_detector_that_does_not_know_them(plugin):
    assert make_detector(plugin, ["power=1"], seed=3, verbose=True).power == 1


def test_an_unknown_parameter_is_refused_with_the_closest_name_and_the_list():
    with pytest.raises(UsageError, match=r"did you mean latent_dim\? .*activation, .*batch_size"):
        detector("latentdim=4")


@pytest.mark.parametrize("name", ["callbacks", "random_state", "verbose", "warm_start"])
def test_what_the_command_itself_decides_cannot_be_set(name):
    with pytest.raises(UsageError, match="no such parameter"):
        detector(f"{name}=1")


@pytest.mark.parametrize("setting", ["latent_dim", "=4", ""])
def test_a_setting_without_a_name_or_a_value_is_refused(setting):
    with pytest.raises(UsageError, match="expected NAME=VALUE"):
        detector(setting)
