"""What the task list's title says: how many tasks there are, which are listed, and what is done with them. Pure."""

from collections.abc import Collection

from cqltui.state.counting import tally
from cqltui.state.model import RunState
from cqltui.state.page import SIZE, Page
from cqltui.ui.listing import Listing, Wish
from cqltui.ui.panels.pages import behind


def title(
    state: RunState | None, wish: Wish, listing: Listing, fold: str, marked: Collection[str], ranging: bool
) -> str:
    """Return the title. `fold`: how tasks are folded, in a word; `ranging`: whether a range is being marked."""
    total = sum(tally(state).states.values()) if state else 0
    page = state.page if state else None
    if page is not None:
        parts, separated = ["Tasks", *_of_page(total, page, wish, listing, fold)], ","
    else:
        parts, separated = ["Tasks", f"{len(listing.ids)} of {total}" if wish.filter.words else f"{total}"], ""
        if fold:
            parts.append(f"{fold} folded")
    if marked:
        hidden = sum(i not in listing.places and i not in listing.homes for i in marked)
        said = f"{len(marked):{separated}} marked"
        parts.append(f"{said}, {hidden:{separated}} not listed" if hidden else said)
    if ranging:
        parts.append("range")
    return " · ".join(parts)


def _of_page(total: int, page: Page, wish: Wish, listing: Listing, fold: str) -> list[str]:
    """Return how many of very many tasks are here, and that no others are sorted and folded."""
    listed, parts, whole = len(listing.ids), list[str](), False
    if wish.filter.words:
        found = page.filter == wish.filter.text
        if not (found and page.through):
            parts.append(f"{listed:,} found, {page.looked_at if found else 0:,} of {total:,} looked at")
        elif len(page.ids) >= SIZE:
            parts.append(f"the first {len(page.ids):,} found of {total:,}")
        else:
            whole = True
            parts.append(f"{listed:,} of {total:,}")
    elif page.filter or not page.ids:
        parts += [f"{total:,}", f"{listed:,} here"]
    else:
        others = listed - sum(one in listing.homes or one in listing.places for one in page.ids)
        more = f" and {others:,} other{'s' * (others != 1)}" if others else ""
        parts += [f"{total:,}", f"{page.first + 1:,}-{behind(page):,} here{more}"]
    if whole:
        return [*parts, f"{fold} folded"] if fold else parts
    done = " and ".join(filter(None, ("sorted" if wish.column else "", f"{fold} folded" if fold else "")))
    return [*parts, f"{done}: those here"] if done else parts
