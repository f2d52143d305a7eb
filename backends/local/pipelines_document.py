"""`pipelines.json`: what is asked of the pipelines of each model, for their schedulers to obey.

    {"format": "quarterdeck/pipelines/1", "version": 3,
     "holds": {"production": {"arrival-delay": {"*": {"state": "held", "set_at": "2013-04-26T22:03:14Z", "set_by": "mara@bastion",
       "reason": "INC-1 weather feed is empty", "until": "2013-04-27T02:03:14Z", "key": "0198...", "owner": null, "since": null}}}},
     "requests": {"production": {"arrival-delay": {"kind": "retrain", "pipeline": "arrival-delay-training", "state": "asked",
       "asked_at": "2013-04-26T22:03:14Z", "asked_by": "mara@bastion", "reason": "INC-1 late gap", "first": null, "last": null,
       "key": "0199..."}}},
     "applied": {"0198...": 2, "0199...": 3}, "forbidden": []}

A job of a model asks before it runs: it is held while the entry of its own name, or `*`, is `held`. `until` is when the owner is asked
again; it never frees a job by itself. A training pipeline starts one run for the
key of a request that is `asked`, and records the key as `request` of its run. An absent file or entry means that nothing is asked.
The JSON Schema is `docs/pipelines.schema.json`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backends.local.documents import Part
from backends.pipeline_protocol import HoldSetting, RunRequest
from backends.records import Moment, Name


class Hold(Part):
    """Whether the jobs of one pipeline, or of every pipeline of a model, are held."""

    state: Literal["free", "held"] = Field(description="A job that is held does not run.")
    set_at: Moment = Field(description="When it was set, or renewed last.")
    set_by: Name = Field(description="Who set or renewed it: `mara@bastion`.")
    reason: str = Field(max_length=4000, description="Why, in the words of whoever set it.")
    until: Moment | None = Field(default=None, description="When its owner is asked again. It stays held after that, until somebody acts.")
    key: Name = Field(description="Key of the call that set it.")
    owner: Name | None = Field(default=None, description="Who is asked at `until`; null: whoever set it.")
    since: Moment | None = Field(default=None, description="Since when it is held, if it was renewed; null: since `set_at`.")

    def public(self, environment: str, model: str, pipeline: str) -> HoldSetting:
        return HoldSetting(
            environment, model, pipeline, self.state, self.set_at, self.set_by, self.key, self.reason, self.until, self.owner, self.since
        )


class Ask(Part):
    """A run that is asked for. The newest one of a model stands here, also once its run has begun."""

    kind: Literal["retrain"] = Field(default="retrain", description="What the run is to do.")
    pipeline: Name = Field(description="Whose run is asked for.")
    state: Literal["asked", "withdrawn"] = Field(default="asked", description="No run is started for one that was withdrawn.")
    asked_at: Moment = Field(description="When it was asked for.")
    asked_by: Name = Field(description="Who asked: `mara@bastion`.")
    reason: str = Field(max_length=4000, description="Why, in the words of whoever asked.")
    first: Moment | None = Field(default=None, description="The labelled rows that are proposed begin here.")
    last: Moment | None = Field(default=None, description="Labels are complete up to here.")
    key: Name = Field(description="One run for each key; the run's record names it as its `request`.")

    def public(self, environment: str, model: str) -> RunRequest:
        withdrawn = self.state == "withdrawn"
        return RunRequest(
            environment, model, self.pipeline, self.asked_at, self.asked_by, self.key, self.reason, self.first, self.last, withdrawn
        )


class PipelinesDocument(Part):
    """`pipelines.json`: what is asked of pipelines, replaced in one step. No file, or no entry, means that nothing is."""

    format: Literal["quarterdeck/pipelines/1"] = Field(
        default="quarterdeck/pipelines/1", description="Another number after the last stroke is another format: refuse it."
    )
    version: int = Field(default=0, ge=0, description="Grows by one at each change.")
    holds: dict[Name, dict[Name, dict[Name, Hold]]] = Field(
        default_factory=dict, description="By environment, then by model, then by pipeline; `*` is every pipeline of the model."
    )
    requests: dict[Name, dict[Name, Ask]] = Field(default_factory=dict, description="By environment, then by model.")
    applied: dict[Name, int] = Field(
        default_factory=dict, description="Key of each recent call and the version that it made; for the console alone."
    )
    forbidden: tuple[Name, ...] = Field(default=(), description="Keys of calls that may no longer take effect; for the console alone.")
