"""Where everything of a workspace lies. Imports nothing but pathlib: the first frame needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkspacePaths:
    """Every path of a workspace, derived from its folder; nothing is created or checked here."""

    root: Path

    @property
    def workspace_toml(self) -> Path:
        return self.root / "workspace.toml"

    @property
    def clock_json(self) -> Path:
        return self.root / "clock.json"

    @property
    def policies(self) -> Path:
        return self.root / "policies"

    @property
    def contracts(self) -> Path:
        return self.root / "contracts"

    @property
    def playbooks(self) -> Path:
        return self.root / "playbooks"

    @property
    def control(self) -> Path:
        return self.root / "control.sqlite"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def catalog(self) -> Path:
        return self.store / "catalog.sqlite"

    @property
    def segments(self) -> Path:
        return self.store / "segments"

    @property
    def generations(self) -> Path:
        return self.store / "generations"

    @property
    def profiles(self) -> Path:
        return self.store / "profiles.sqlite"

    @property
    def summary(self) -> Path:
        return self.store / "summary.json"

    @property
    def collected(self) -> Path:
        """What is known of every source. Rebuildable: without it everything is read once more, and every fact is still one."""
        return self.store / "collected.json"

    @property
    def deleted(self) -> Path:
        """Which rows retention deleted. Beside the store, so that nothing which befalls the store forgets it."""
        return self.root / "deleted.json"

    @property
    def registry(self) -> Path:
        return self.root / "registry.json"

    @property
    def switches(self) -> Path:
        return self.root / "switches.json"

    @property
    def breakers(self) -> Path:
        return self.root / "breakers.json"

    @property
    def traffic(self) -> Path:
        return self.root / "traffic.json"

    @property
    def pipelines(self) -> Path:
        return self.root / "pipelines.json"

    @property
    def rejects(self) -> Path:
        return self.root / "rejects"

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def audit_head(self) -> Path:
        return self.root / "audit-head"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def crash(self) -> Path:
        return self.root / "crash"
