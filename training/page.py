"""Pages for people, HTML and Markdown, from the templates of this package."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES = Path(__file__).parent / "pages"


def render(template: str, **values: object) -> str:
    """A page; every value in an HTML one is escaped."""
    pages = Environment(
        loader=FileSystemLoader(PAGES), autoescape=template.endswith(".html"), undefined=StrictUndefined
    )
    pages.trim_blocks = pages.lstrip_blocks = pages.keep_trailing_newline = True
    return pages.get_template(template).render(**values)
