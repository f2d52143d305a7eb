"""What cannot be read is said on the screen in full, with what to do, and nothing is made up in its place."""

from __future__ import annotations

from acting_workspace import MODEL, Place
from pilots import Console, console

from console.app import ConsoleApp
from console.cli.main import main


async def test_while_the_clock_cannot_be_read_no_age_is_reckoned_and_no_plan_is_drawn(place: Place) -> None:
    assert main(["-w", str(place.root), "kill", MODEL, "--confirm", MODEL, "--reason", "late gap"]) == 0
    place.paths.clock_json.write_text("no clock")
    async with console(place) as screen:
        await screen.shows("clock.json is not a clock")
        assert "| no clock |" in screen.rows[0]
        assert f"OVERRIDE {MODEL} fallback |" in screen.rows[0], "that it stands is known, and not for how long"
        assert "OLD" not in screen.rows[0]
        await screen.press("K")
        await screen.shows("no plan can be drawn")
        told = " ".join(screen.text.split())
        assert "clock.json is not a clock" in told
        assert "delete it to return to the start of the simulation" in told
        assert "drawing the plan" not in told
        await screen.press("escape")
        await screen.shows("nothing was sent")


async def test_a_workspace_that_has_lost_its_settings_is_no_place_without_one(place: Place) -> None:
    place.paths.workspace_toml.unlink()
    app = ConsoleApp(place.session())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Console(app, pilot)
        await screen.shows("What would you like?")
        told = " ".join(screen.text.split())
        assert "workspace.toml is gone" in told
        assert "qd backup restore FILE DIR" in told
        assert "nothing to break" not in told


async def test_fleet_says_that_nobody_knows_of_incidents_when_the_journal_is_damaged(place: Place) -> None:
    for path in place.root.glob("control.sqlite*"):
        path.unlink()
    place.paths.control.write_bytes(b"no database" * 500)
    async with console(place) as screen:
        await screen.shows("nobody knows which incidents are open")
        [row] = [each for each in screen.rows if MODEL in each and "CRIT" in each]
        assert row.split()[-2] == "?"


async def test_a_switch_that_cannot_be_read_puts_no_state_into_the_command(place: Place) -> None:
    place.paths.switches.write_text("no switches")
    async with console(place) as screen:
        await screen.press("K")
        await screen.shows("refused")
        await screen.shows(f"qd kill {MODEL}")
        assert "None" not in screen.text
