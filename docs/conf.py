"""How the documentation is built: `make docs`, offline, with warnings as errors."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from docutils import nodes
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

project = "pbr_opt"
author = "pbr_opt contributors"
release = metadata.version("pbr_opt")
language = "en_GB"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = ["_templates"]
autosummary_ignore_module_all = False
exclude_patterns = ["_build", "_templates", "jupyter_execute"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure", "ref.python"]  # a field named as two classes name it is no error
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

autodoc_typehints = "none"  # the docstrings give shape, unit and domain, which types do not
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "pbr_opt"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"source_repository": "", "footer_icons": []}
html_show_sphinx = False


def _math(translator: HTML5Translator, node: nodes.Element) -> None:
    """Write an equation as MathML, which browsers show without a script and without a network."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Let equations be drawn as MathML."""
    app.add_html_math_renderer("mathml", inline_renderers=(_math, None), block_renderers=(_math, None))


html_math_renderer = "mathml"
