"""Text for LaTeX."""

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def escape(text: str) -> str:
    """Return text as LaTeX prints it, character for character."""
    return "".join(_SPECIAL.get(char, char) for char in text)
