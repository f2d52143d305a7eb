"""The console's own health: this machine, the workspace's folder, and every part that lies in it. Works where nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable

from backends.records import Moment, State, severity_rank
from console.clock import SystemClock
from console.config import Workspace, WorkspaceProblem, open_workspace
from console.locate import Located
from console.terminal import Terminal
from console.views.health.model import View
from console.views.own.finding import AREAS, Check, Finding, Looked, finding


class OwnView(View):
    """Everything that was looked at, the worst of each area first."""

    at: Moment
    """By the wall: the program's own health has nothing to do with a simulated clock."""
    zone: str
    path: str
    chosen_by: str
    workspace: str | None
    """Its name; None when it cannot be opened."""
    versions: dict[str, str]
    """By package; `missing` for one that is not installed."""
    findings: tuple[Finding, ...]
    state: State

    @property
    def ordered(self) -> tuple[Finding, ...]:
        """By area, the worst first within each."""
        return tuple(sorted(self.findings, key=lambda each: (AREAS.index(each.area), severity_rank(each.state))))


def own_view(located: Located, terminal: Terminal, deep: Callable[[int, int], None] | None = None) -> OwnView:
    """Look at everything; with `deep`, which is told how far it is, read every fact too.

    Never raises for what it looks at: what cannot be read is a finding.
    """
    from console.views.own.machine import installed, program_findings, secret_findings, terminal_findings  # not for the first frame

    real_now = SystemClock().real_now()
    versions = installed()
    findings = [*program_findings(versions), *secret_findings(os.environ), *terminal_findings(terminal)]
    workspace: Workspace | None = None
    try:
        if not _there(located):
            findings.append(_nowhere(located))
        else:
            workspace = open_workspace(located.root)
    except WorkspaceProblem as problem:
        what, _, to_do = str(problem).rpartition("; ")
        findings.append(finding("workspace.settings", State.CRITICAL, what or to_do, to_do if what else None))
    except OSError as error:
        findings.append(finding("workspace.settings", State.CRITICAL, f"{located.root} cannot be reached: {error.strerror}", ASK_OWNER))
    if workspace is not None:
        findings += _looked_at(Looked(located, workspace, real_now, deep))
    return OwnView(
        at=real_now,
        zone=workspace.settings.display_zone if workspace else "UTC",
        path=str(located.root),
        chosen_by=located.because,
        workspace=workspace.settings.name if workspace else None,
        versions=versions,
        findings=tuple(findings),
        state=min((each.state for each in findings), key=severity_rank),
    )


ASK_OWNER = "ask its owner for access, or choose another one with --workspace"


def _there(located: Located) -> bool:
    """Whether there is anything at the chosen place. Raises OSError when nobody may look."""
    return located.root.exists()


def _nowhere(located: Located) -> Finding:
    # Nobody asked for the default one by name, so a first start is not a fault.
    state = State.UNKNOWN if located.because == "the default" else State.CRITICAL
    to_do = f"make one: quarterdeck init --personal {located.root}; or look around: quarterdeck demo"
    return finding("workspace.settings", state, f"no workspace at {located.root} (from {located.because})", to_do)


def _looked_at(looked: Looked) -> list[Finding]:
    from console.views.own import control as own_control  # not for the first frame
    from console.views.own import folder as own_folder
    from console.views.own import store as own_store

    # The same failure, met by two checks, is one finding: the worse of the two.
    found: dict[str, Finding] = {}
    for check in (*own_folder.CHECKS, *own_control.CHECKS, *own_store.CHECKS):
        try:
            for each in check(looked):
                known = found.get(each.what.raw)
                if known is None or severity_rank(each.state) < severity_rank(known.state):
                    found[each.what.raw] = each
        except Exception as error:
            # One part that is broken in a way that nobody thought of must not hide the others.
            name = f"{_area_of(check)}.{check.__name__}"
            what = f"could not be looked at: {type(error).__name__}: {error}"
            found[name] = finding(name, State.CRITICAL, what, "report it with this line")
    return list(found.values())


def _area_of(check: Check) -> str:
    return next((area for area in AREAS if check.__name__.startswith(area)), "faults")
