"""An SVG as matplotlib writes it, made fit for a file, and for a place inside a page. What is changed is changed inside
tags: text between them may be somebody else's."""

import re
from collections.abc import Callable, Mapping

_TAG = re.compile(r"<[^<>]*>")
_DATA = re.compile(r'(?<= [dxy]=")[^"]*')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_SPACE = re.compile(r"\s+")
_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(url\(#|href="#)([^")]+)')
_HEAD = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_STYLE = re.compile(r"\s*<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)
_VIEW_BOX = re.compile(r'viewBox="[^"]*"')
_FONT = re.compile(r"font-family: [^;\"]*(; )?")
_ATTRIBUTE = re.compile(r' fill="(#[0-9a-f]{6})"')
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*"')
_EMPTY = re.compile(r"<(g|defs)>\s*</\1>")
_ALIKE = re.compile(r'<use [^>]*? style="([^"]*)"/>(?:<use [^>]*? style="\1"/>)+')
_BETWEEN = re.compile(r">\s+<")
FONT = "var(--plot-font, system-ui, sans-serif)"


def compact(svg: str) -> str:
    """Return an SVG with the numbers of its paths cut to a hundredth of a point: less than half of it."""
    return _in_tags(
        svg, lambda tag: _DATA.sub(lambda found: _SPACE.sub(" ", _DECIMALS.sub(r"\1", found[0])).strip(), tag)
    )


def inline(svg: str, name: str, colors: Mapping[str, str]) -> str:
    """Return an SVG for the inside of an HTML page: no prolog and no size of its own (its viewBox says what units it
    has), ids only where something refers to them and with the figure's name before them, and `colors` (as matplotlib
    writes them) replaced by what the page's style can change. Text takes the page's font."""
    svg = _STYLE.sub("", _METADATA.sub("", _HEAD.sub("", svg)))
    referred = dict.fromkeys(found[2] for tag in _TAG.findall(svg) for found in _REFERENCE.finditer(tag))
    ids = {old: f"{name}-{number}" for number, old in enumerate(referred)}

    def changed(tag: str) -> str:
        if tag.startswith("<svg"):
            box = _VIEW_BOX.search(tag)
            style = f"font-family: {FONT}; stroke-linejoin: round"
            return f'<svg class="plot" {box[0] if box else ""} style="{style}">'
        tag = _ID.sub(lambda found: f' id="{ids[found[1]]}"' if found[1] in ids else "", tag)
        tag = _REFERENCE.sub(lambda found: found[1] + ids[found[2]], tag.replace("xlink:href", "href"))
        tag = _ATTRIBUTE.sub(r' style="fill: \1"', _UNTURNED.sub("", _FONT.sub("", tag)))
        for old, new in colors.items():
            tag = tag.replace(f": {old}", f": {new}")
        return tag

    text, before = _in_tags(svg, changed), ""
    while before != text:
        before, text = text, _EMPTY.sub("", text)
    text = _BETWEEN.sub("><", text).strip()
    # Thousands of points say once what they look like.
    return _ALIKE.sub(_together, text)


def _in_tags(svg: str, change: Callable[[str], str]) -> str:
    return _TAG.sub(lambda found: change(found[0]), svg)


def _together(found: re.Match[str]) -> str:
    style = f' style="{found[1]}"'
    return f"<g{style}>{found[0].replace(style, '')}</g>"
