"""The queue of everything that waits for a person, what is overdue first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backends.protocol import BackendError
from backends.records import Model, Moment
from backends.shell_words import command_line
from backends.store import queries
from backends.store.errors import StoreError
from backends.text import Untrusted
from console.views.health.model import View
from console.views.sight import Sight
from console.views.waiting.control import waiting_breakers, waiting_doubts, waiting_overrides, waiting_requests, waiting_reviews
from console.views.waiting.incidents import waiting_incidents
from console.views.waiting.row import Wait, WaitRow, judged, longest_overdue_first
from console.views.waiting.scores import ScoreQueue, score_queues


class ReviewsView(View):
    """Everything of an environment that waits for a person."""

    environment: str
    at: Moment
    zone: str
    past: bool
    overdue: int
    rows: tuple[WaitRow, ...]
    problems: tuple[Untrusted, ...]
    """What could not be looked at, so that more may wait than is shown."""


OF_CONTROL: tuple[Callable[[Sight], Iterator[Wait]], ...] = (
    waiting_requests, waiting_reviews, waiting_doubts, waiting_overrides, waiting_incidents,
)  # fmt: skip


def reviews_view(sight: Sight) -> ReviewsView:
    """Everything that waits. What is not in the store is known without it; never raises."""
    problems = [sight.control.problem] if sight.control.problem else []
    waits: list[Wait] = []
    for found in OF_CONTROL:
        try:
            waits += found(sight)
        except BackendError as error:
            problems.append(str(error))
    owners, queues, problem = _of_store(sight)
    problems += [problem] if problem else []
    waits += [_wait(each) for each in queues if each.waiting is None or each.waiting > 0]
    rows = [judged(each, sight.at, sight.environment, sight.policies, owners) for each in waits]
    rows += waiting_breakers(sight, sight.policies, owners)
    return ReviewsView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        overdue=sum(row.overdue for row in rows),
        rows=tuple(sorted(rows, key=longest_overdue_first)),
        problems=tuple(Untrusted(each) for each in dict.fromkeys(problems)),
    )


def _of_store(sight: Sight) -> tuple[dict[str, str | None], tuple[ScoreQueue, ...], str | None]:
    """Who owns each model, and the queues of scores; why neither is known where the store cannot be read."""
    try:
        with sight.reader() as reader:
            records = queries.records_of(reader, "model", environment=sight.environment)
            owners = {each.name: each.owner for each in records if isinstance(each, Model)}
            return owners, score_queues(reader, sight.environment, sight.at), None
    except StoreError as error:
        return {}, (), f"owners and queues of scores are not known: {error}"


def _wait(queue: ScoreQueue) -> Wait:
    count = "scores, nobody can say how many," if queue.waiting is None else f"{queue.waiting:,} score{'' if queue.waiting == 1 else 's'}"
    where = f" in {queue.queue.raw}" if queue.queue.raw else ""
    verb = "wait" if queue.waiting != 1 else "waits"
    known = "" if queue.oldest_hours is not None else "; since when is not said"
    return Wait(
        id=queue.queue.raw or "scores",
        kind="scores",
        model=queue.model,
        what=f"{count} {verb} for a person{where}{known}",
        since=queue.since,
        asked=queue.asked.raw or "nobody is named",
        verb=command_line("labels", queue.model),
        count=queue.waiting,
        counted_at=queue.counted_at,
    )
