"""Text of several lines as HTML: the methods, which are written in Markdown."""

from markdown_it import MarkdownIt
from markupsafe import Markup

SHIFT = 2
"""Levels by which headings are put below those of the page."""


def html(markdown: str) -> Markup:
    """Return the text as HTML, its headings from the third level on, in order; HTML in it stays text, and images are
    not loaded."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(markdown)
    previous = SHIFT
    for token in tokens:
        if token.type == "heading_open":
            level = min(int(token.tag[1:]) + SHIFT - 1, previous + 1, 6)
            previous = max(level, SHIFT + 1)
            token.tag = f"h{previous}"
        elif token.type == "heading_close":
            token.tag = f"h{previous}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return Markup(
        rendered.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    )
