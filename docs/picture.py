"""Draws `docs/fleet.svg`: the real console on the demo workspace, photographed by the program itself.

python docs/picture.py .demo docs/fleet.svg
"""

from __future__ import annotations

import asyncio
import html
import re
import sys
from pathlib import Path

from console.app import ConsoleApp
from console.locate import Located
from console.session import Session

SIZE = (100, 25)
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEXT = re.compile(r'(<text class="[^"]*-r\d+" x=")([\d.]+)(" y="[\d.]+" textLength=")([\d.]+)("[^>]*>)([^<]*)</text>')


def standing_alone(svg: str) -> str:
    """The picture without fonts fetched from elsewhere, every text beginning where its first letter stands.

    Some viewers drop the blanks that a text begins with, which would move what stands behind them.
    """
    svg = _COMMENT.sub("", _FONT_FACE.sub("", svg)).replace("Fira Code", "DejaVu Sans Mono")
    return _TEXT.sub(_from_its_first_letter, svg)


def _from_its_first_letter(found: re.Match[str]) -> str:
    text = html.unescape(found[6])
    bare = text.strip()
    if not bare:
        return ""
    cell = float(found[4]) / len(text)
    x = float(found[2]) + cell * (len(text) - len(text.lstrip()))
    kept = html.escape(bare.replace(" ", "\N{NO-BREAK SPACE}"), quote=False)
    return f"{found[1]}{x:.1f}{found[3]}{cell * len(bare):.1f}{found[5]}{kept}</text>"


async def picture(root: Path, keys: tuple[str, ...] = ()) -> str:
    """The console as SVG, on Fleet or where `keys` lead from there."""
    app = ConsoleApp(Session(Located(root, "named on the command line")))
    async with app.run_test(size=SIZE) as pilot:
        for key in (None, *keys):
            if key is not None:
                await pilot.press(key)
            await pilot.pause()
            while getattr(app.screen, "_pending", False):
                await pilot.pause(0.05)
        await pilot.pause()
        return standing_alone(app.export_screenshot(title="quarterdeck"))


def main() -> None:
    root, target, *keys = sys.argv[1:]
    Path(target).write_text(asyncio.run(picture(Path(root), tuple(keys))), encoding="utf-8")


if __name__ == "__main__":
    main()
