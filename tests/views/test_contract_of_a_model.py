"""A contract in the workspace: production logs are judged by it, column by column, in health, on the Data screen and by the verb."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from published_schemas import assert_fits

from backends.store.compactor import compact
from backends.store.landing import land
from backends.store.paths import WorkspacePaths
from backends.text import Untrusted
from console.cli.exits import Exit
from console.cli.main import main
from console.config import open_workspace
from console.lookout import Lookout
from console.render.contract import contract_page
from console.screens.contract import ContractScreen

sys.path.insert(0, str(Path(__file__).parent))
from views_workspace import DAY, HOUR, START, Made, days_of_predictions, made

NOW = START + 30 * DAY

CONTRACT = """\
format: 1
name: delays
model: delay
other_columns: ok
columns:
  - {name: temp, kind: numeric, minimum: 0, maximum: 19, max_null_share: 0.1}
  - {name: carrier, kind: categorical, among: {file: carriers.csv, column: code}, show_values: true}
  - {name: dow, kind: categorical}
  - {name: score, kind: numeric, minimum: 0, maximum: 1}
  - {name: late, kind: boolean, moments: [training]}
unique:
  - {columns: [temp, carrier, dow]}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """30 days of 240 predictions. On the last one 24 have -5 degrees, 48 no temperature, and 12 a carrier that nobody knows."""
    place = made(tmp_path_factory.mktemp("contract") / "w", NOW)

    def temp(day: int, row: int) -> float | None:
        if day == 29:
            return None if row % 5 == 1 else -5.0 if row % 10 == 3 else float(row % 20)
        return float(row % 20)

    days_of_predictions(
        place, 30, 240, temp=temp, carrier=lambda day, row: "QX" if day == 29 and row % 20 == 8 else "AA" if row % 2 else "BB"
    )
    return place


@pytest.fixture
def root(built: Made, tmp_path: Path) -> Path:
    shutil.copytree(built.root, tmp_path / "w")
    folder = tmp_path / "w" / "contracts"
    folder.mkdir()
    (folder / "carriers.csv").write_text("code,name\nAA,one\nBB,two\n")
    (folder / "delay.yaml").write_text(CONTRACT)
    return tmp_path / "w"


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def asked(root: Path, *words: object) -> tuple[int, str, str]:
        code = main(["-w", str(root), *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


Ask = Callable[..., tuple[int, str, str]]


def verdicts(ask: Ask, root: Path, *words: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    code, out, err = ask(root, *words, "contract", "check", "delay", "--json")
    assert (code, err) == (Exit.OK, "")
    said = json.loads(out)
    assert_fits(said, "contract-check")
    return {(each["rule"], each["column"]): each for each in said["rules"]}


def signals(root: Path) -> dict[str, Any]:

    health = Lookout(open_workspace(root), "production").model("delay")
    return {signal.id: signal for layer in health.layers for signal in layer.signals}


def test_each_column_is_judged_by_each_of_its_rules_with_what_breaks_it_and_since_when(ask: Ask, root: Path) -> None:
    found = verdicts(ask, root)
    counts = {key: (each["state"], each["count"], each["share"]) for key, each in found.items() if each["count"]}
    assert counts == {
        ("nulls", "temp"): ("warning", 48, 0.2),
        ("range", "temp"): ("critical", 24, 0.1),
        ("among", "carrier"): ("critical", 12, 0.05),
        ("unique", "temp, carrier, dow"): ("critical", counts[("unique", "temp, carrier, dow")][1], pytest.approx(0.6, abs=0.3)),
    }
    assert {each["state"] for key, each in found.items() if key not in counts} == {"ok"}
    assert [each["value"] for each in found["range", "temp"]["sample"]] == ["-9.9"] * 3
    assert [each["value"] for each in found["among", "carrier"]["sample"]] == ["QX"] * 3
    assert [each["value"] for each in found["nulls", "temp"]["sample"]] == [None] * 3
    # Day 29 began a day ago; windows of 24 hours end every 12, so the first that holds some of it is half full by then.
    assert {found[key]["since"] for key in (("range", "temp"), ("among", "carrier"))} == {"2024-01-30T12:00:00Z"}
    assert found["range", "temp"]["sample"][0]["at"] == "2024-01-30T23:18:00Z"
    assert (found["range", "temp"]["line"], found["among", "carrier"]["line"], found["unique", "temp, carrier, dow"]["line"]) == (6, 7, 12)
    assert ("schema", "late") not in found


def test_repeats_of_a_key_are_counted_within_twelve_hours(ask: Ask, root: Path) -> None:
    count = verdicts(ask, root)["unique", "temp, carrier, dow"]["count"]
    rows = [
        (r, None if r % 5 == 1 else -5.0 if r % 10 == 3 else r % 20, "QX" if r % 20 == 8 else "AA" if r % 2 else "BB") for r in range(240)
    ]
    halves = [[each[1:] for each in rows if (each[0] < 120) is first and each[1] is not None] for first in (True, False)]
    assert count == sum(len(half) - len(set(half)) for half in halves)


def test_the_data_layer_of_health_judges_by_the_contract_and_by_the_signature_without_one(root: Path) -> None:
    with_it = signals(root)
    assert (with_it["data.range"].state.value, with_it["data.range"].value, with_it["data.range"].of.raw) == ("critical", 0.1, "temp")
    assert with_it["data.duplicates"].state.value == "critical"
    (root / "contracts" / "delay.yaml").unlink()
    without = signals(root)
    assert without["data.range"].state.value == "ok"
    assert without["data.duplicates"].state.value == "ok"
    assert (with_it["data.nulls"].warning, without["data.nulls"].warning) == (0.1, 0.02)


def test_the_watch_opens_one_alert_for_it_however_often_it_goes_round(ask: Ask, root: Path) -> None:
    for _ in range(2):
        assert ask(root, "watch", "--once")[0] in {Exit.OK, Exit.NO}
    alerts = json.loads(ask(root, "alerts", "--json")[1])["rows"]
    assert [each["rule"] for each in alerts if each["rule"] == "data.range" and each["state"] == "critical"] == ["data.range"]
    judged = {(rule["rule"], rule["column"]): rule for rule in json.loads(ask(root, "contract", "check", "delay", "--json")[1])["rules"]}
    assert (judged["range", "temp"]["count"], judged["range", "temp"]["state"]) == (24, "critical")


def test_while_a_file_is_broken_the_copy_that_was_good_last_is_in_force(ask: Ask, root: Path) -> None:
    ask(root, "watch", "--once")
    path = root / "contracts" / "delay.yaml"
    path.write_text(CONTRACT.replace("kind: boolean", "kind: words"))
    assert verdicts(ask, root)["range", "temp"]["count"] == 24
    code, out, _ = ask(root, "config", "validate")
    assert code == Exit.NO and "contracts/delay.yaml:10:" in out
    assert "contracts/delay.yaml:10:" in "".join(ask(root, "watch", "--once")[1:])
    shutil.rmtree(root / "contracts" / ".in-force")
    assert verdicts(ask, root)["schema", "temp"]["line"] is None, "without a copy the signature is what is agreed"


def test_a_contract_that_nobody_can_read_and_that_may_be_of_this_model_leaves_it_without_ok(ask: Ask, root: Path) -> None:
    moment = ("--as-of", "2024-01-20T00:00:00Z", "contract", "check", "delay", "--json")
    (root / "contracts" / "delay.yaml").write_text("format: 1\n")
    assert json.loads(ask(root, *moment)[1])["state"] == "unknown"
    (root / "contracts" / "delay.yaml").unlink()
    assert json.loads(ask(root, *moment)[1])["state"] == "ok"


def test_a_table_that_cannot_be_read_leaves_its_rule_without_a_verdict(ask: Ask, root: Path) -> None:
    (root / "contracts" / "carriers.csv").unlink()
    found = verdicts(ask, root)["among", "carrier"]
    assert found["state"] == "unknown" and "carriers.csv" in found["why"]


TOGETHER = """together:
  - columns: [carrier, temp]
    among: {file: routes.csv, columns: [airline, degrees]}
"""


def test_columns_together_are_held_against_another_table_on_production_logs_too(ask: Ask, root: Path) -> None:
    """Each value alone is known: BB has even degrees and AA odd ones, so 12 of QX and the 24 of -5 degrees stand together nowhere."""
    contracts = root / "contracts"
    (contracts / "carriers.csv").write_text("code\nAA\nBB\nQX\n")
    (contracts / "routes.csv").write_text(
        "airline,degrees\n" + "".join(f"{'AA' if n % 2 else 'BB'},{n}.0\n" for n in range(20)) + "QX,1.0\nBB,-5.0\n"
    )
    (contracts / "delay.yaml").write_text(CONTRACT.replace("minimum: 0, maximum: 19, ", "") + TOGETHER)
    found = verdicts(ask, root)
    mine = found["among", "carrier, temp"]
    assert (mine["state"], mine["count"], mine["line"], mine["since"]) == ("critical", 36, 14, "2024-01-30T12:00:00Z")
    assert {(each["redacted"], each["value"]) for each in mine["sample"]} == {(True, "AA, -9.9"), (True, "AA, 9.9")}
    assert found["among", "carrier"]["state"] == "ok"
    signal = signals(root)["data.range"]
    assert (signal.state.value, signal.value, signal.of.raw) == ("critical", 0.15, "carrier, temp")
    (contracts / "delay.yaml").write_text(CONTRACT + TOGETHER.replace("    among", "    moments: [training]\n    among"))
    assert ("among", "carrier, temp") not in verdicts(ask, root)
    (contracts / "delay.yaml").write_text(CONTRACT + TOGETHER)
    (contracts / "routes.csv").unlink()
    gone = verdicts(ask, root)["among", "carrier, temp"]
    assert gone["state"] == "unknown" and "routes.csv" in gone["why"]


def test_a_contract_may_end_in_yml_as_policies_and_playbooks_may(ask: Ask, root: Path) -> None:
    expected = verdicts(ask, root)
    (root / "contracts" / "delay.yaml").rename(root / "contracts" / "delay.yml")
    assert {key: each["state"] for key, each in verdicts(ask, root).items()} == {key: each["state"] for key, each in expected.items()}
    ask(root, "watch", "--once")
    (root / "contracts" / "delay.yml").write_text("format: [")
    assert {key: each["state"] for key, each in verdicts(ask, root).items()} == {key: each["state"] for key, each in expected.items()}
    assert "contracts/delay.yml" in ask(root, "doctor")[1]


def test_a_column_that_is_gone_of_another_kind_or_promised_by_nobody_violates_the_schema(ask: Ask, root: Path) -> None:
    body = CONTRACT.replace("other_columns: ok", "other_columns: critical").replace(
        "name: temp, kind: numeric, minimum: 0, maximum: 19", "name: temp, kind: text"
    )
    body += "freshness: {column: event_at, at_most: 5m}\n"
    (root / "contracts" / "delay.yaml").write_text(
        body.replace("unique:", "  - {name: gate, kind: text}\n  - {name: event_at, kind: timestamp}\nunique:")
    )
    moments = [NOW - HOUR * hours for hours in (2, 1)]
    place = WorkspacePaths(root)
    land(
        place,
        "predictions",
        {"event_at": moments, "model": ["delay"] * 2, "version": ["1"] * 2, "key": ["x", "y"], "score": [0.5, 0.5], "wind": [1.0, 2.0]},
        now=NOW,
    )
    compact(place, NOW)
    found = verdicts(ask, root)
    assert (found["schema", "gate"]["state"], found["schema", "gate"]["why"]) == ("critical", "nobody logs it")
    assert "not text" in found["schema", "temp"]["why"]
    assert (found["columns", None]["state"], found["columns", None]["why"]) == ("critical", "not in the contract: wind")
    assert found["freshness", "event_at"]["state"] == "warning", "the newest is six minutes old, five are allowed"
    assert signals(root)["data.schema"].value == 3


def test_a_check_of_a_file_at_a_moment_is_kept_and_the_past_does_not_know_it(ask: Ask, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    rows = "CAST(i % 20 AS DOUBLE) AS temp, 'AA' AS carrier, 'd' || i AS dow, .5 AS score, true AS late FROM range(40) t(i)"
    duckdb.connect().execute(f"COPY (SELECT {rows}) TO '{file}'")
    assert json.loads(ask(root, "contract", "check", "delay", "--json")[1])["recorded"] == []
    assert ask(root, "contract", "check", "delay", file, "--moment", "training", "--run", "R-7")[0] == Exit.OK
    assert ask(root, "contract", "check", "delay", file)[0] == Exit.OK
    assert "not kept" in ask(root, "--read-only", "contract", "check", "delay", file, "--moment", "batch")[2]
    [kept] = json.loads(ask(root, "contract", "check", "delay", "--json")[1])["recorded"]
    assert (kept["moment"], kept["state"], kept["broken"], kept["rows"], kept["run"]) == ("training", "ok", 0, 40, "R-7")
    past = ask(root, "--as-of", "2024-01-30T23:00:00Z", "contract", "check", "delay", "--json")[1]
    assert json.loads(past)["recorded"] == []


def test_what_is_proposed_from_the_reference_is_kept_by_it_and_broken_by_the_last_day(ask: Ask, root: Path) -> None:
    (root / "contracts" / "delay.yaml").unlink()
    code, _, err = ask(root, "contract", "propose", "delay", "--to", root / "contracts" / "new.yaml")
    assert (code, err.endswith("new.yaml written: 6 columns\n")) == (Exit.OK, True)
    found = verdicts(ask, root)
    assert {key: each["count"] for key, each in found.items() if each["state"] == "critical" and each["count"]} == {
        ("nulls", "temp"): 48, ("range", "temp"): 24, ("allowed", "carrier"): 12,
    }  # fmt: skip
    assert {each["state"] for each in verdicts(ask, root, "--as-of", "2024-01-15T23:59:00Z").values()} == {"ok"}


def test_a_model_or_a_contract_that_nobody_knows_is_one_line(ask: Ask, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    for words in (("check", "nosuch"), ("check", "nosuch", file), ("propose", "nosuch")):
        code, out, err = ask(root, "contract", *words)
        assert (code, out, err.count("\n")) == (Exit.NOT_FOUND, "", 1)


def test_a_search_for_leakage_and_a_comparison_of_both_paths_stand_on_the_data_screen_once_kept(ask: Ask, root: Path) -> None:
    rows = 400
    train = root / "train.csv"
    train.write_text("late,refund,temp\n" + "".join(f"{n % 2},{n % 2},{n % 7}\n" for n in range(rows)))
    offline = root / "offline.csv"
    logged = [f"29-{row}" for row in range(40)]
    offline.write_text("key,score\n" + "".join(f"{key},0.99\n" for key in logged))

    def searches(*before: str) -> dict[str, Any]:
        code, out, err = ask(root, *before, "contract", "check", "delay", "--json")
        assert (code, err) == (Exit.OK, "")
        said = json.loads(out)
        assert_fits(said, "contract-check")
        return {each["search"]: each for each in said["searches"]}

    assert searches() == {}
    long = Lookout(open_workspace(root), "production").contract("delay").model_copy(update={"model": Untrusted("arrivals-of-flights")})
    assert max(map(len, contract_page(long, width=80).plain().splitlines())) <= 80, "what was never done is said in 80 columns too"
    leak = ("leakage", train, "--label", "late")
    assert ask(root, *leak)[0] == Exit.OK and searches() == {}, "only what is asked for is kept"
    assert ask(root, *leak, "--record", "nobody")[0] == Exit.NOT_FOUND
    assert ask(root, *leak, "--run", "R-9")[0] == Exit.USAGE
    assert "not kept" in ask(root, "--read-only", *leak, "--record", "delay")[2] and searches() == {}

    code, out, err = ask(root, *leak, "--record", "delay", "--run", "R-9", "--json")
    assert (code, err) == (Exit.OK, "")
    told = json.loads(out)
    assert ask(root, "parity", offline, "delay", "--key", "key", "--columns", "score", "--record", "delay")[0] == Exit.OK
    found = searches()
    mine = found["leakage"]
    bad = [each for each in told["checks"] if each["state"] != "ok"]
    assert (mine["state"], mine["found"], mine["rows"], mine["run"]) == (told["state"], len(bad), rows, "R-9")
    assert mine["state"] == "critical"
    assert mine["worst"].startswith("refund: ") and mine["file"] == str(train)
    assert (found["parity"]["state"], found["parity"]["found"], found["parity"]["rows"]) == ("critical", 1, 40)
    assert searches("--as-of", "2024-01-20T00:00Z") == {}

    page = contract_page(Lookout(open_workspace(root), "production").contract("delay"), width=80, tabbed=True)
    text = page.plain()
    assert "X leakage" in text and "X parity" in text and "run R-9" in text and max(map(len, text.splitlines())) <= 80
    keys = [row.key for row in page.rows]
    assert ContractScreen("delay").topic_of("leakage") == "leakage" and {"leakage", "parity"} <= set(keys)


def test_a_result_is_kept_for_a_model_that_only_its_predictions_name(ask: Ask, root: Path) -> None:
    at = NOW - HOUR
    row = {"model": ["spare"], "version": ["1"], "key": ["a"], "score": [0.5], "event_at": [at]}
    land(WorkspacePaths(root), "predictions", row, now=at)
    train = root / "train.csv"
    train.write_text("late,refund\n" + "".join(f"{n % 2},{n % 2}\n" for n in range(400)))
    leak = ("leakage", train, "--label", "late", "--record")
    code, _, err = ask(root, *leak, "spar")
    assert code == Exit.NOT_FOUND and "did you mean spare?" in err
    assert ask(root, *leak, "spare")[::2] == (Exit.OK, "")
    shown = json.loads(ask(root, "contract", "check", "spare", "--json")[1])
    assert [(each["search"], each["state"]) for each in shown["searches"]] == [("leakage", "critical")]
    text = contract_page(Lookout(open_workspace(root), "production").contract("spare"), width=80).plain()
    assert "X leakage   just now, " in text
