"""The environment's name on line 1 stands on the colour that workspace.toml gives it."""

from __future__ import annotations

from acting_workspace import Place
from pilots import console


async def test_it_is_the_one_of_the_workspace_file(place: Place) -> None:
    written = place.paths.root / "workspace.toml"
    before = written.read_text()
    assert 'colour = "magenta"' in before
    written.write_text(before.replace('colour = "magenta"', 'colour = "cyan"'))
    async with console(place) as screen:
        await screen.until(lambda: screen.app.screen.banner.composed(80).spans[1].role == "on cyan", "PROD on cyan")
        assert screen.app.screen.banner.composed(80).spans[1].text == "PROD"
