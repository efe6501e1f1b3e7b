"""The page that shows a screen in a browser. All that it loads comes from the server that it came from."""

from html import escape

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' {websocket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The terminal sizes itself by style elements of its own."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="preload" as="font" type="font/ttf" href="static/fonts/RobotoMono-VariableFont_wght.ttf" crossorigin>
<link rel="stylesheet" href="static/css/xterm.css">
<style>
@font-face {{ font-family: "Roboto Mono"; src: url("static/fonts/RobotoMono-VariableFont_wght.ttf") }}
html, body {{ margin: 0; height: 100%; background: #0c181f; color: #e6e6e6; font: 16px "Roboto Mono", monospace }}
.textual-terminal {{ height: 100vh; overflow: hidden }}
p {{ position: absolute; z-index: 9; margin: 0; padding: 1em; background: #0c181f }}
.ended, .-first-byte .begun {{ display: none }}
.-closed .ended {{ display: block }}
</style>
<script src="static/js/textual.js"></script>
<script src="keys.js"></script>
</head>
<body>
<p class="begun" role="status">The screen is being opened.</p>
<p class="ended" role="status">The screen has ended; the run has not ended with it. Load the page again to see it.</p>
<div class="textual-terminal" data-session-websocket-url="{websocket}" data-font-size="14"></div>
</body>
</html>
"""


KEYS = """\
addEventListener("load", () => {
  const seen = new MutationObserver(() => {
    if (document.body.classList.contains("-loaded")) {
      seen.disconnect();
      document.querySelector(".xterm-helper-textarea").focus();
    }
  });
  seen.observe(document.body, { attributeFilter: ["class"] });
});
"""
"""Gives the keys to the screen, once textual-serve's script has a connection."""


def page(title: str, websocket: str) -> str:
    """Return the page. `websocket`: the address of the screen."""
    return _PAGE.format(title=escape(title), websocket=escape(websocket))
