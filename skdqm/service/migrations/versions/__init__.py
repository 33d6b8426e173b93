"""Revisions, the first one first."""
