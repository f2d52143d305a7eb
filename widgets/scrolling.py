"""Let the terminal move lines that it already shows, instead of sending them again.

Over a slow line a list that scrolls by one row costs the bytes of one row. Textual draws every update from its widgets and
keeps no picture of the terminal, so lines may move under it as long as nothing is waiting to be drawn at the old place.
"""

from __future__ import annotations

from textual.geometry import Region
from textual.widget import Widget


def scroll_on_terminal(widget: Widget, region: Region, rows: int) -> bool:
    """Move what the terminal shows in `region` of `widget` by `rows` (positive: up). False: draw everything instead.

    Lines that come in are blank; the caller draws them. Possible only when the region spans the whole width of the
    terminal, its screen is on top and nothing is waiting to be drawn.
    """
    if not may_scroll(widget):
        return False
    app = widget.app
    driver = app._driver
    if driver is None:
        return False
    first = widget.region.y + region.y + 1
    last = first + region.height - 1
    moving = f"\x1b[{first}H\x1b[{rows}M" if rows > 0 else f"\x1b[{first}H\x1b[{-rows}L"
    app._begin_update()
    driver.write(f"\x1b[{first};{last}r{moving}\x1b[r")
    # the styles cache holds lines by their place in the widget, and places now show other rows
    widget._styles_cache.clear()
    return True


def may_scroll(widget: Widget) -> bool:
    """True when moving lines on the terminal is safe for `widget` now."""
    app = widget.app
    if app.is_headless or app.is_inline or app._batch_count:
        return False
    screen = widget.screen
    region = widget.region
    if app.screen is not screen or region.x != 0 or region.width != app.size.width:
        return False
    if widget._repaint_regions or widget._repaint_required or screen._dirty_widgets:
        return False
    return not (screen._compositor._dirty_regions or screen._layout_required)
