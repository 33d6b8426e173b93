"""Detectors made of detectors."""

__all__: list[str] = []
