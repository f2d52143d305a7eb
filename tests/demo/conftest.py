"""One demo workspace, built once for every test that only looks at it."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from steady_machine import steady

from console.config import Workspace, open_workspace
from console.demo.build import build
from console.demo.built import is_built


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as `make demo` builds it, but for what no test here asks about. Processes of one run share it; nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    root = shared / "demo-workspace"
    with (shared / "demo-workspace.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built(root):
            with pytest.MonkeyPatch.context() as patched:
                # Nothing here asks what is learnt from scores and inputs, and learning costs as much as the rest of an evaluation.
                patched.setattr("console.watch.rounds.estimate_environment", lambda _sight: (0, []))
                # Nor how busy this machine is. Scoring flights one by one takes a fifth of the build, and the replay's tests do it.
                patched.setattr("console.demo.scoring.measured_latencies", steady)
                build(root)
    return root


@pytest.fixture
def demo(built_demo: Path) -> Workspace:
    """The shared demo, for looking."""
    return open_workspace(built_demo)


@pytest.fixture
def own_demo(built_demo: Path, tmp_path: Path) -> Workspace:
    """A copy of the demo, for acting."""
    root = tmp_path / "demo"
    shutil.copytree(built_demo, root)
    return open_workspace(root)
