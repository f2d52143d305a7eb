"""A workspace in which every name, message and reason that came from outside is made of terminal commands."""

from __future__ import annotations

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from opened_console import evaluate

from backends.records import (
    Deployment,
    Event,
    Layer,
    MetricPoint,
    Pipeline,
    PipelineRun,
    PipelineStage,
)
from backends.store.compactor import compact
from backends.text import Untrusted
from console.control.actions import ActionKind, ActionRequest, Confirmation

NAME = "\x1b]52;c;cm0=\x07\x1b[31m[red]x[/]\u202e\x9b2J|`*"
"""Copies to the clipboard, colours, markup of the screen library, right-to-left, clears the screen by a C1 code, Markdown."""

MESSAGE = "\x1b]0;owned\x07\x1b[?1049l\x1b[2J\x1bP+q544e\x1b\\ deploy\r\nsecond\u2066\u200b [link=https://evil.example]x[/link] =1+1"

VIEWS = Path(__file__).parents[1] / "views"


def _history_of(name: str) -> ModuleType:
    """The builder of a workspace with a history, for a model of this name."""
    spec = importlib.util.spec_from_file_location("hostile_registry", VIEWS / "registry_workspace.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_registry"] = module
    spec.loader.exec_module(module)
    module.MODEL = name  # type: ignore[attr-defined]
    return module


def hostile_estate(root: Path) -> Path:
    """Versions, runs, data, a deployment, pipelines, metrics, alerts, an incident, actions and requests, all of a hostile model."""
    made = _history_of(NAME)
    place = made.history(root)
    now, day = made.NOW, made.DAY
    known = {"event_at": now - day, "known_at": now - day}
    place.land(
        Event(**known, name=NAME, model=NAME, topic="deploy", message=Untrusted(MESSAGE), actor=NAME),
        Deployment(**known, name=NAME, model=NAME, mode="batch", traffic={"2": 1.0}),
        Pipeline(**known, name=NAME, model=NAME, stage=PipelineStage.TRAINING, schedule=NAME),
        PipelineRun(
            **known,
            name=NAME,
            pipeline=NAME,
            stage=PipelineStage.TRAINING,
            status="failed",
            started_at=now - day,
            message=Untrusted(MESSAGE),
        ),
        MetricPoint(**known, model=NAME, layer=Layer.SYSTEM, name=NAME, value=1.0, unit=NAME, labels={NAME: NAME}),
    )
    compact(place.paths, now)
    incident = place.incident(place.alert("ALR-1", now - timedelta(hours=5), message=MESSAGE), MESSAGE)
    place.switch(ActionKind.FALLBACK, MESSAGE, until=now - timedelta(hours=1), at=now - timedelta(hours=3))
    with place.desk("mara") as mara, place.desk("ines", elevated=True) as ines:
        for kind in (ActionKind.TAKE, ActionKind.NOTE):
            mara.act(ActionRequest(kind=kind, model=NAME, subject=incident, reason=MESSAGE))
        request = ActionRequest(kind=ActionKind.PROMOTE, model=NAME, to="3", reason=MESSAGE)
        ines.execute(ines.plan(request), Confirmation(typed_name=NAME, reason=MESSAGE))
    playbooks = place.paths.playbooks
    playbooks.mkdir(exist_ok=True)
    (playbooks / "hostile.yaml").write_text('id: hostile\ntitle: "\\e]52;c;cm0=\\a [red]x"\nnonsense: "\\e[2J"\n')
    evaluate(place.paths.root)
    return place.paths.root
