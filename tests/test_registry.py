"""The registry: names to classes and back, and room for other packages."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from skdqm import registry
from skdqm.detectors import AutoencoderDetector, VAEDetector
from skdqm.exceptions import UsageError


@pytest.mark.parametrize("name", registry.detector_names())
def test_a_name_leads_to_a_class_and_back(name: str) -> None:
    assert registry.name_of(registry.detector_class(name)()) == name
    assert registry.class_of(name) is registry.detector_class(name)


def test_transformers_are_known_by_their_class_names() -> None:
    assert registry.name_of(StandardScaler()) == "StandardScaler"
    assert registry.class_of("StandardScaler") is StandardScaler


@pytest.mark.parametrize("name", ["nonsense", "os.system", "StandardScaler", ""])
def test_what_is_no_detector_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError, match=r"there are adaptive_threshold, auto, .*vae"):
        registry.detector_class(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("vea", "vae"), ("VAEDetector", "vae"), ("ConvAutoencoderDetector", "convolutional")],
)
def test_a_slip_or_the_name_of_a_class_gets_the_name_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{meant}'\\?"):
        registry.detector_class(name)


def test_an_estimator_of_another_kind_has_no_name() -> None:
    with pytest.raises(UsageError, match="LinearRegression cannot be saved"):
        registry.name_of(LinearRegression())


class StandardScalerOfMine(StandardScaler):
    """A subclass that must not be taken for its parent."""


StandardScalerOfMine.__name__ = "StandardScaler"


def test_a_class_that_borrows_a_name_is_refused() -> None:
    with pytest.raises(UsageError):
        registry.name_of(StandardScalerOfMine())


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(group: str) -> list[EntryPoint]:
        own = "tests.test_registry:ForeignDetector"
        return [EntryPoint("foreign", own, group), EntryPoint("vae", own, group)]

    monkeypatch.setattr(registry, "entry_points", entry_points)


class ForeignDetector(AutoencoderDetector):
    """A detector of another package."""


def test_other_packages_add_detectors(foreign: Any) -> None:
    assert "foreign" in registry.detector_names()
    assert registry.name_of(registry.detector_class("foreign")()) == "foreign"


def test_other_packages_cannot_replace_a_detector(foreign: Any) -> None:
    assert registry.detector_class("vae") is VAEDetector


def test_a_point_of_another_package_without_a_class_spoils_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = EntryPoint("broken", "some_module", registry.DETECTORS_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [broken])
    with pytest.raises(UsageError, match="no detector is called 'zzz'"):
        registry.detector_class("zzz")
