"""How the site is made from README.md and docs/: `make site`. The pages are plain Markdown, readable on a Git host."""

from typing import Any

from sphinx.application import Sphinx

project = "ssl-irmae"
root_doc = "README"
include_patterns = ["README.md", "CHANGES.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**"]
exclude_patterns = [".*", "build"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_heading_anchors = 4

nitpicky = True  # a reference that leads nowhere is a warning, and warnings are errors
nitpick_ignore_regex = [("py:.*", r"(?!ssl_irmae\b).*")]  # types of other packages, which would take the network
nitpick_ignore = [  # within what functions return, but not for users
    ("py:class", f"ssl_irmae.{name}")
    for name in (
        "autoencoder.Autoencoder",
        "networks.registry.Networks",
        "plugins.registered.Registered",
        "protocols.labelling.codes.Codes",
        "protocols.predictors.form.Form",
        "protocols.readouts.sample.T",
        "protocols.report.checks.check.Evidence",
        "protocols.representations.representation.Representation",
    )
]
autodoc_default_options = {"members": True}
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 100

smartquotes = False  # they would make one dash of the two of an option
html_theme = "furo"
html_title = project
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it would be fetched, which a browser refuses for pages on disk
html_show_copyright = False

# the sidebar; what is in none of these is a warning, except the tables of reports, to which their results lead
NAVIGATION = {
    "Start": ["docs/start", "docs/README"],
    "Using": ["docs/using/*"],
    "Understanding": ["docs/protocol", "docs/understanding", "docs/reviewers", "docs/checks", "docs/reliability"],
    "Studies": ["docs/studies/README", "docs/studies/*/README"],
    "Results": [
        "docs/results/mnist-*/README",
        "docs/results/*/README",
        "docs/results/LOG",
        "docs/performance",
        "docs/scale",
    ],
    "Reference": ["docs/api", "docs/extending/*", "docs/decisions", "CONTRIBUTING", "SECURITY", "CHANGES"],
}


def add_navigation(_app: Sphinx, page: str, content: list[str]) -> None:
    """Append the sidebar to the landing page; in the file itself a Git host would show it as text."""
    if page == root_doc:
        for title, pages in NAVIGATION.items():
            content[0] += "\n".join(["\n```{toctree}", ":hidden:", ":glob:", f":caption: {title}", *pages, "```\n"])
    elif page.endswith("/table"):
        content[0] = f"---\norphan: true\n---\n{content[0]}"


def finish(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Let a browser show linked files, such as the page of a report, and set a dash before what a parameter is."""
    if "body" in context:
        context["body"] = context["body"].replace(' download=""', "").replace(" -- ", " \N{EN DASH} ")


def setup(app: Sphinx) -> None:
    """Connect both to the build."""
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", finish)
