"""The demo is built on whatever machine there is: a slow or busy one tells the same story."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from steady_machine import LATENCY_MS

from console.config import Workspace
from console.demo.build import POLICIES
from console.demo.models import measured_latencies
from console.lookout import Lookout
from console.policies.load import load_policies


def test_training_keeps_to_one_thread_from_its_first_version_on() -> None:
    """Threads that spin beside a busy core made the first version take ten times as long."""
    script = (
        "import json\n"
        "from console.demo.models import one_thread\n"
        "with one_thread():\n"
        "    from sklearn.ensemble import HistGradientBoostingClassifier\n"
        "    from threadpoolctl import threadpool_info\n"
        "    print(json.dumps([[pool['user_api'], pool['num_threads']] for pool in threadpool_info()]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    pools = json.loads(done.stdout)
    assert {kind for kind, _ in pools} >= {"openmp"}
    assert {threads for _, threads in pools} == {1}


def test_a_challenger_may_be_as_slow_as_what_serves_may_be(tmp_path: Path) -> None:
    """Latencies are those of the machine that builds: a gate tighter than the rule refused the request that the story needs."""
    (tmp_path / "demo.yaml").write_text(POLICIES)
    policies = load_policies(tmp_path)
    assert not policies.problems
    rule = policies.rule("system.latency_p95")
    [gate] = [gate for gate in policies.gates if gate.id == "latency"]
    assert rule is not None
    assert gate.limit == rule.critical == 250


def test_a_latency_is_the_time_that_scoring_one_flight_alone_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sizes, takes = [0.0], [], iter([1.0, 0.004, 0.25])

    def answer(inputs: list[int]) -> None:
        sizes.append(len(inputs))
        now[0] += next(takes)

    class Inputs(list):  # type: ignore[type-arg]
        @property
        def iloc(self) -> Inputs:
            return self

    monkeypatch.setattr("console.demo.models.inputs_of", Inputs)
    version = SimpleNamespace(model=SimpleNamespace(task="regression"), pipeline=SimpleNamespace(predict=answer))
    found = measured_latencies(version, [1, 2], clock=lambda: now[0])  # type: ignore[arg-type]  # all that is asked of them
    assert found == pytest.approx([4.0, 250.0]), "the first score, which warms up, is none"
    assert sizes == [1, 1, 1]


def test_the_story_of_the_demo_does_not_hang_on_how_busy_the_machine_is(demo: Workspace) -> None:
    health = Lookout(demo, "production").fleet()
    assert [row.latency_p95_ms for row in health.rows] == pytest.approx([LATENCY_MS] * 3)
