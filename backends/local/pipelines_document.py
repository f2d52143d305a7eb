"""`pipelines.json`: what is asked of the pipelines of each model, for their schedulers to obey.

    {"format": "quarterdeck/pipelines/1", "version": 3,
     "holds": {"production": {"arrival-delay": {"*": {"state": "held", "set_at": "2013-04-26T22:03:14Z", "set_by": "mara@bastion",
       "reason": "INC-1 weather feed is empty", "until": "2013-04-27T02:03:14Z", "key": "0198...", "owner": null, "since": null}}}},
     "applied": {"0198...": 3}, "forbidden": []}

A job of a model asks before it runs: it is held while the entry of its own name, or `*`, is `held`. `until` is when the owner is asked
again; it never frees a job by itself. An absent file or entry means free. The JSON Schema is `docs/pipelines.schema.json`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backends.local.documents import Part
from backends.pipeline_protocol import HoldSetting
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


class PipelinesDocument(Part):
    """`pipelines.json`: what is asked of pipelines, replaced in one step. No file, or no entry, means that nothing is."""

    format: Literal["quarterdeck/pipelines/1"] = Field(
        default="quarterdeck/pipelines/1", description="Another number after the last stroke is another format: refuse it."
    )
    version: int = Field(default=0, ge=0, description="Grows by one at each change.")
    holds: dict[Name, dict[Name, dict[Name, Hold]]] = Field(
        default_factory=dict, description="By environment, then by model, then by pipeline; `*` is every pipeline of the model."
    )
    applied: dict[Name, int] = Field(
        default_factory=dict, description="Key of each recent call and the version that it made; for the console alone."
    )
    forbidden: tuple[Name, ...] = Field(default=(), description="Keys of calls that may no longer take effect; for the console alone.")
