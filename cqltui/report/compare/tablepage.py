"""Tables and figures as one HTML file without a network: for what is not the whole report."""

import html
from collections.abc import Iterator, Mapping, Sequence

from cqltui.report.figure import Figure
from cqltui.report.table import Cell, Column, Table

FIRST_LINE = "<!DOCTYPE html><!-- cqltui comparison -->"
"""By which a file is known to be one of ours."""
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: auto; padding: 1rem; overflow-wrap: break-word; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .2rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #8886; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; background: #fff; }
.note { font-size: .875rem; opacity: .8; }
@media print { .wide { overflow: visible; } }
"""


def render_tables(title: str, tables: Sequence[Table], figures: Sequence[Figure], drawn: Mapping[str, str]) -> str:
    """Return the page. `drawn`: SVG by the name of a figure; of those that are missing the caption alone is shown."""
    parts = [*map(_table, tables), *(_figure(figure, drawn.get(figure.name, "")) for figure in figures)]
    return "\n".join(
        (
            FIRST_LINE,
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{_text(title)}</title><style>{STYLE}</style></head>",
            f"<body><main><h1>{_text(title)}</h1>",
            *parts,
            "</main></body></html>\n",
        )
    )


def _text(text: str) -> str:
    return html.escape(text)


def _table(table: Table) -> str:
    lines = [f'<section aria-labelledby="{_text(table.name)}"><h2 id="{_text(table.name)}">{_text(table.title)}</h2>']
    if table.rows:
        heads = "".join(f'<th scope="col"{_kind(column)}>{_text(column.heading)}</th>' for column in table.columns)
        lines += [
            '<div class="wide" tabindex="0" role="region" aria-labelledby="' + _text(table.name) + '">',
            f"<table><caption>{_text(table.caption)}</caption>",
            f"<thead><tr>{heads}</tr></thead><tbody>",
            *(f"<tr>{''.join(_cells(table, row))}</tr>" for row in table.rows),
            "</tbody></table></div>",
        ]
    else:
        lines += [f"<p>{_text(table.caption)}</p>", f"<p><em>{_text(table.reason)}</em></p>"]
    lines += [f'<p class="note">{_text(note)}</p>' for note in table.notes]
    return "\n".join((*lines, "</section>"))


def _cells(table: Table, row: Sequence[Cell]) -> Iterator[str]:
    for place, (column, value) in enumerate(zip(table.columns, row, strict=True)):
        shown = _text(column.text(value))
        yield f'<th scope="row">{shown}</th>' if place == 0 else f"<td{_kind(column)}>{shown}</td>"


def _kind(column: Column) -> str:
    return "" if column.kind in ("text", "flag") else ' class="number"'


def _figure(figure: Figure, svg: str) -> str:
    told = f'<h2 id="{_text(figure.name)}">{_text(figure.title)}</h2>'
    caption = f"<figcaption>{_text(figure.caption)}</figcaption>"
    if figure.reason:
        return f"<section>{told}<p>{_text(figure.caption)}</p><p><em>{_text(figure.reason)}</em></p></section>"
    if not svg:
        return f"<section>{told}<p>{_text(figure.caption)} {_text(figure.alt)}</p></section>"
    return f'<section>{told}<figure role="img" aria-label="{_text(figure.alt)}">{svg}{caption}</figure></section>'
