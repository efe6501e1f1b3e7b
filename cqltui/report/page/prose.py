"""The methods, which are written in Markdown with formulas in TeX, as HTML with MathML, which browsers show."""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

LEVEL = 3
"""Of the first headings."""
REFUSED = frozenset({"href", "src", "style", "class", "id"})


def html(markdown: str) -> Markup:
    """Return the text as HTML, without its title, other headings from the third level on, in order. HTML in it stays
    text, and images are not loaded."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.use(dollarmath_plugin, renderer=formula, allow_space=False)
    tokens = _below(parser.parse(markdown))
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    box = '<div class="scroll" tabindex="0" role="group" aria-label="{}"><table>'
    count = iter(range(1, rendered.count("<table>") + 1))
    rendered = re.sub("<table>", lambda _: box.format(f"Table {next(count)} of the methods"), rendered)
    math = '<div class="math block scroll" tabindex="0" role="group" aria-label="Formula">'
    rendered = rendered.replace('<div class="math block">', math)
    return Markup(rendered.replace("</table>", "</table></div>"))


def _below(tokens: list[Token]) -> list[Token]:
    """Put headings below that of their part of the page, and give the heads of tables a scope."""
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]  # its beginning, its text and its end
    level = LEVEL - 1
    for token in tokens:
        if token.type == "heading_open":
            level = max(LEVEL, min(int(token.tag[1:]) + 1, level + 1, 6))
            token.tag = f"h{level}"
        elif token.type == "heading_close":
            token.tag = f"h{level}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
    return tokens


def formula(tex: str, options: Mapping[str, Any]) -> str:
    """Return a formula as MathML, or as it was written where it is none, or says more than a formula."""
    display = "block" if options.get("display_mode") else "inline"
    try:
        # The converter does not escape what stands in \text, and has attributes of its own for links.
        found = convert(tex.replace("<", r"\lt ").replace(">", r"\gt "), display=display)
        names = {name for element in ElementTree.fromstring(found).iter() for name in element.attrib}
    except Exception:  # those of the converter have nothing in common
        return str(Markup("<code>{}</code>").format(tex))
    if any(name in REFUSED or name.startswith("on") for name in names):
        return str(Markup("<code>{}</code>").format(tex))
    return str(found)
