"""What comes out of a run is enough to write the postmortem from, and hostile names stay text in it."""

from __future__ import annotations

import json
from datetime import timedelta

from fake_host import START, FakeHost
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backends.records import State, digest_of
from backends.text import Untrusted, displayable
from playbooks.export import ExportContext, TimelineEntry, run_digest, to_json
from playbooks.host import OptionFigures
from playbooks.library import load_library
from playbooks.markdown import code, escaped
from playbooks.postmortem import to_markdown
from playbooks.runner import Runner, start_run

HOSTILE = "arr`i`val|*x*\n# head\x1b]52;c;AAAA\x07<img src=x onerror=y>[a](http://evil.example)\u202e"
RENDERER = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


def finished(model: str = "arrival-delay") -> FakeHost:
    host = FakeHost()
    book = load_library()["quality-collapse"]
    host.answers["data_bug"] = host.result(State.OK, "nulls 7.2 %, schema as agreed", value=0.072, limit=0.15, n=4676)
    host.answers["would_help"] = host.result(
        State.OK,
        "same 4,304 flights",
        best="fallback",
        n=4304,
        options=(
            OptionFigures(choice="fallback", figures={"Brier": 0.265, "AUC": 0.528}, better=True),
            OptionFigures(choice="rollback", figures={"Brier": 0.353, "AUC": None}, better=False, note=Untrusted("no gain")),
        ),
        command="quality arrival-delay",
    )
    host.answers["challenger"] = State.CRITICAL
    start_run(host, "RUN-1", book, actor="rule", params={"model": model}, library={}, driver="mara")
    runner = Runner(host, "RUN-1", "mara")
    runner.answer_checks()
    runner.decide("rollback", "readers cannot use the fallback")
    runner.act(runner.plan(), confirmation=model)
    Runner(host, "RUN-1", "ilse").take()
    ilse = Runner(host, "RUN-1", "ilse")
    for _ in range(30):
        ilse.poll()
        host.step(300)
    ilse.note("the gate board noticed at 17:40", follow_up=False)
    ilse.complete("refit weekly, ines, 3 May\nadd a rule on rain, mara, 10 May")
    return host


CONTEXT = ExportContext(
    title=Untrusted("arrival-delay: level wrong since 22 Apr"),
    incident="INC-1",
    impact=(Untrusted("about 980 wrong-level scores a day"),),
    timeline=(TimelineEntry(START - timedelta(hours=27), Untrusted("late_gap critical"), "rule model.late_gap"),),
    hashes={"audit head": "9e02"},
    zone="America/New_York",
)


def test_the_postmortem_says_what_happened_who_did_it_and_how_to_see_it_again() -> None:
    host = finished()
    text = to_markdown(host.events("RUN-1"), CONTEXT)
    for expected in (
        "# INC-1: arrival-delay: level wrong since 22 Apr",
        "ended 2013-04-26 20:30:00 EDT, **succeeded**",
        "- about 980 wrong-level scores a day",
        "| 2013-04-25 15:00:00 EDT | rule model.late\\_gap | late\\_gap critical |",
        "| 2013-04-26 18:00:00 EDT | data-bug | data\\_bug | ok | 0.072 | 0.15 | 4676 | nulls 7.2 %, schema as agreed |",
        "mara chose **rollback**; suggested was **fallback**: readers cannot use the fallback",
        "  - fallback: Brier 0.265, AUC 0.528",
        "  - rollback: Brier 0.353, AUC -; no gain",
        "rollback (environment production, model arrival-delay): **effective**: read back",
        "  - in effect after 0.2 s, 2013-04-26 18:00:00 EDT",
        "  - `set_alias production=1 if 2: ok`",
        "key `RUN-1:act:1`, receipt `A-RUN-1:act:1`",
        "| ilse | took over from mara |",
        "note: the gate board noticed at 17:40",
        "- [ ] refit weekly, ines, 3 May (ilse, 2013-04-26 20:30:00 EDT)",
        "- [ ] add a rule on rain, mara, 10 May",
        "- `quarterdeck quality arrival-delay`",
        "- `quarterdeck rollback arrival-delay`",
        "- audit head `9e02`",
        f"- playbook `{load_library()['quality-collapse'].digest}`",
    ):
        assert expected in text, expected
    phases = [step["phase"] for step in to_json(host.events("RUN-1"), CONTEXT)["steps"]]
    assert phases == ["investigate"] * 3 + ["mitigate"] * 3 + ["learn"] * 2


def test_a_postmortem_of_an_open_run_says_so() -> None:
    host = FakeHost()
    start_run(host, "R", load_library()["stale-data"], actor="rule", params={"model": "m"}, library={})
    text = to_markdown(host.events("R"))
    assert "**still open**" in text
    assert "Nobody wrote down the impact." in text
    assert "Nothing was changed." in text


def test_the_json_is_whole_and_its_hashes_can_be_computed_again() -> None:
    host = finished()
    found = json.loads(json.dumps(to_json(host.events("RUN-1"), CONTEXT)))
    assert found["schema"] == "quarterdeck/playbook-run/1"
    digests = []
    for event in found["events"]:
        digest = event.pop("digest")
        assert digest_of(event) == digest
        digests.append(digest)
    assert digest_of(digests) == found["hashes"]["run"] == run_digest(host.events("RUN-1"))
    assert found["follow_ups"] == ["refit weekly, ines, 3 May\nadd a rule on rain, mara, 10 May"]
    step = next(step for step in found["steps"] if step["id"] == "choose")
    assert (step["suggested"], step["chosen"]) == ("fallback", "rollback")


def test_a_hostile_name_stays_text_in_the_postmortem_and_raw_in_the_json() -> None:
    host = finished(HOSTILE)
    text = to_markdown(host.events("RUN-1"), ExportContext(title=Untrusted(HOSTILE), impact=(Untrusted(HOSTILE),), incident=HOSTILE))
    assert all(line.isprintable() for line in text.split("\n"))
    tokens = RENDERER.parse(text)
    headings = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    assert len(headings) == 11
    inline = [child.type for token in tokens for child in token.children or ()]
    assert not {"link_open", "image", "html_inline", "em_open"} & set(inline)
    assert not any(token.type == "html_block" for token in tokens)
    assert to_json(host.events("RUN-1"))["params"]["model"] == HOSTILE


@given(st.text(max_size=60))
def test_any_text_renders_as_itself(raw: str) -> None:
    """The oracle is a Markdown parser: one paragraph, and its text is what a terminal would show."""
    tokens = RENDERER.parse(f"- x {escaped(raw)}.")
    inline = [token for token in tokens if token.type == "inline"]
    shown = "".join(child.content for token in inline for child in token.children or ())
    assert {child.type for token in inline for child in token.children or ()} <= {"text", "text_special"}
    assert shown.split() == f"x {displayable(raw)}.".split()


@given(st.text(max_size=60))
def test_any_text_at_the_start_of_an_item_opens_no_block(raw: str) -> None:
    kinds = {token.type for token in RENDERER.parse(f"- {escaped(raw)}")}
    assert kinds <= {"bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close",
                     "bullet_list_close"}  # fmt: skip


@given(st.text(alphabet="`a b", min_size=1, max_size=12).filter(str.strip))
def test_any_code_is_one_code_span(raw: str) -> None:
    inline = next(token for token in RENDERER.parse(f"x {code(raw)} y") if token.type == "inline")
    assert [child.content for child in inline.children or () if child.type == "code_inline"] == [raw]
