"""The demo is made and thrown away freely, so it must never take somebody's own workspace for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.cli.exits import Exit
from console.cli.main import main
from console.config import init_workspace


@pytest.mark.parametrize("more", [(), ("--rebuild",)], ids=["build", "rebuild"])
def test_a_workspace_that_is_only_called_demo_is_not_replaced(tmp_path: Path, more: tuple[str, ...]) -> None:
    own = init_workspace(tmp_path / "demo", name="demo").paths
    (own.evidence / "precious.json").write_text("{}")
    assert main(["demo", "--dir", str(own.root), "--no-open", *more]) == Exit.USAGE
    assert (own.evidence / "precious.json").exists()


@pytest.mark.parametrize("standing", [("--read-only",), ("--as-of", "2013-04-22T14:00-04:00")], ids=" ".join)
@pytest.mark.parametrize("words", [("serve",), ("--rebuild", "--no-open"), ("--no-open",)], ids=" ".join)
def test_nothing_is_built_or_served_read_only_or_in_the_past(tmp_path: Path, standing: tuple[str, ...], words: tuple[str, ...]) -> None:
    root = tmp_path / "new"
    assert main([*standing, "demo", *words, "--dir", str(root)]) == Exit.REFUSED
    assert not root.exists()
