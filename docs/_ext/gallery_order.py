"""The order of the gallery: sections as they stand in conf.py, pages as they stand here."""

from pathlib import Path

PAGES = {
    "first_steps": ["five_steps", "alarm_rate", "training_history"],
    "detectors": ["detectors_restore", "contrastive", "fashion_images", "own_detector"],
    "physics": ["lhco_scores", "jet_images", "root_ensemble"],
    "drift": ["reference_runs", "drift_monitor", "continual"],
    "streaming": ["streaming_thresholds", "service", "onnx_export", "golden_json"],
    "choosing": ["grid_search", "ensemble_members", "pyod_side_by_side"],
}


class PageOrder:
    """The place of a page in its section; a page that is not named here is an error.

    Parameters
    ----------
    folder : str
        Folder of the section.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, file: str) -> int:
        """Return the place of a file."""
        return PAGES[Path(self.folder).name].index(Path(file).stem.removeprefix("plot_"))

    def __repr__(self) -> str:
        return "PageOrder"
