"""Sphinx builds the site: ``python -m sphinx -W -b html docs docs/_build/html``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import gallery_order

from skdqm import __version__

project = "skdqm"
author = "The skdqm developers"
version = release = __version__
html_title = project

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_gallery.gen_gallery",
    "api_pages",
    "mathml",
    "stored_results",
]
templates_path = ["_templates"]
exclude_patterns = [
    "_build",
    "_ext",
    "_templates",
    "inventories",
    "results",
    "auto_examples/**/*.ipynb",
    "auto_examples/**/*.py",
]
# Stored, so that a build asks nobody: inventories/README.md.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", "inventories/python.inv"),
    "scikit-learn": ("https://scikit-learn.org/stable", "inventories/scikit-learn.inv"),
    "scipy": ("https://docs.scipy.org/doc/scipy", "inventories/scipy.inv"),
}
nitpicky = True
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# The template of a class describes its methods, inherited ones of ours included.
autosummary_generate = True
numpydoc_show_class_members = False
autodoc_typehints = "none"

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["auto_examples"],
    "subsection_order": [f"../examples/{section}" for section in gallery_order.PAGES],
    "within_subsection_order": "gallery_order.PageOrder",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "backreferences_dir": None,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}
