"""Line 1 while a receipt stands on the screen: the effect is counted as time goes on, so the clock beside it must go on too."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from acting_workspace import NOW, Place
from pilots import console

from console.clock import SimulatedClock, SystemClock
from console.simulation import write_clock


def moves_on(place: Place, to: datetime) -> None:
    """The clock of the workspace stands at another moment, and all that was heard of then is five minutes old."""
    known = json.loads(place.paths.summary.read_text())
    known["oldest_source_at"] = (to - timedelta(minutes=5)).isoformat()
    place.paths.summary.write_text(json.dumps(known))
    write_clock(place.paths, SimulatedClock(to, SystemClock().real_now(), 0.0))


async def test_line_1_of_a_receipt_follows_the_clock_and_the_age_of_the_data(place: Place) -> None:
    async with console(place) as screen:
        await screen.opens("K")
        await screen.signs()
        await screen.shows("switch = fallback, read back")
        await screen.shows("Did it help?")
        before = screen.rows[0]
        moves_on(place, NOW + timedelta(hours=3))
        await screen.until(lambda: screen.rows[0] != before and "data 5m" in screen.rows[0], "line 1 of three hours later")
        assert "fallback 1h00" in screen.rows[0], "what is left of the override"
