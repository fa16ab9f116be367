"""Sphinx's settings for the site; tools/web/book.py calls it, and adds the version and the footer."""

project = "Neural style transfer, taught by building it"
author = "the contributors of stylelib"
html_title = "Neural style transfer"
language = "en"
extensions = ["myst_nb"]
exclude_patterns = []
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

nb_execution_mode = "off"  # the committed outputs are shown
nb_code_prompt_show = "Show the folded {type}"
nb_code_prompt_hide = "Fold the {type}"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

mathjax_path = "mathjax/tex-chtml-full.js"  # from npm, see tools/web/vendor.py
mathjax_options = {"defer": "defer"}

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("scrub.js", "print.js")]
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_last_updated_fmt = None
html_sidebars = {"**": ["navbar-logo.html", "live.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_theme_options = {
    "use_download_button": False,  # each notebook's page has links of its own
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "home_page_in_toc": False,
    "navbar_persistent": [],  # otherwise a second search is at the top of wide pages
    "footer_content_items": ["extra-footer.html"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
