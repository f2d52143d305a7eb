"""YAML is read the same by everybody or refused with file, line, column and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from backends.yaml_text import MAX_BYTES, YamlFileError, load_yaml, validate_yaml


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    limit: float


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rules: list[Rule]


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


REFUSED = [
    pytest.param("a: 1\nb: 2\na: 3\n", 3, 1, "second time, first in line 1", id="duplicate key"),
    pytest.param("rules:\n  - {id: x, id: y}\n", 2, 13, "second time", id="duplicate key in a flow mapping"),
    pytest.param("a: 1\nb: yes\n", 2, 4, "true or false", id="boolean yes"),
    pytest.param("b: Off\n", 1, 4, "true or false", id="boolean off"),
    pytest.param("on: 1\n", 1, 1, "true or false", id="boolean as a key"),
    pytest.param("t: 12:30\n", 1, 4, "base 60", id="sexagesimal"),
    pytest.param("t: 1:30.5\n", 1, 4, "base 60", id="sexagesimal float"),
    pytest.param("n: 010\n", 1, 4, "read differently", id="octal"),
    pytest.param("n: 1_000\n", 1, 4, "read differently", id="underscores"),
    pytest.param("n: 0x1F\n", 1, 4, "read differently", id="hexadecimal"),
    pytest.param("n: .inf\n", 1, 4, "read differently", id="infinity"),
    pytest.param("n: .nan\n", 1, 4, "read differently", id="not a number"),
    pytest.param("n: 1e999\n", 1, 4, "too large", id="float overflow"),
    pytest.param("n: 99999999999999999999999\n", 1, 4, "64 bits", id="huge integer"),
    pytest.param("n: 9223372036854775808\n", 1, 4, "64 bits", id="one more than fits"),
    pytest.param("n: -9223372036854775809\n", 1, 4, "64 bits", id="one less than fits"),
    pytest.param("n: !!python/object/apply:os.system [x]\n", 1, 4, "tag", id="python tag"),
    pytest.param("n: !mine x\n", 1, 4, "tag", id="local tag"),
    pytest.param("a: &a {b: 1}\nc: {<<: *a}\n", 2, 5, "merge key", id="merge key"),
    pytest.param("? [a, b]\n: 1\n", 1, 3, "as a key", id="list as key"),
    pytest.param("1: a\n", 1, 1, "not text", id="number as key"),
    pytest.param("a: 1\n---\nb: 2\n", 2, 1, "second document", id="two documents"),
    pytest.param("%YAML 1.1\n---\na: 1\n", 1, 1, "directive", id="directive"),
    pytest.param("a: [1, 2\nb: 3\n", 2, None, "", id="syntax"),
    pytest.param("a: 'x\n", 2, 1, "", id="open quote"),
    pytest.param("a: *nowhere\n", 1, 4, "undefined alias", id="unknown alias"),
    pytest.param("\tx: 1\n", 1, 1, "", id="tab"),
    pytest.param("a: 1\nb: \x07\n", 2, 4, "the control character U+0007", id="control character"),
    pytest.param("[" * 41 + "]" * 41, 1, 41, "deeper than 40", id="depth"),
    pytest.param("[" * 200_000, 1, 41, "deeper than 40", id="depth bomb"),
    pytest.param("a: &a [*a]\n", 1, None, "deeper than 40", id="alias that contains itself"),
    pytest.param(_bomb(), None, None, "aliases expand", id="alias bomb"),
    pytest.param("x: [" + "1," * 120_000 + "]", 1, None, "more than", id="too many values"),
]


@pytest.mark.parametrize(("text", "line", "column", "reason"), REFUSED)
def test_what_readers_disagree_on_or_could_hurt_is_refused_at_its_place(
    tmp_path: Path, text: str, line: int | None, column: int | None, reason: str
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(YamlFileError) as refused:
        load_yaml(file)
    (problem,) = refused.value.problems
    assert problem.file == str(file)
    assert reason in problem.reason
    assert line is None or problem.line == line
    assert column is None or problem.column == column
    assert str(problem).startswith(str(file))


def test_bytes_that_are_not_utf_8_are_refused_with_line_and_column() -> None:
    with pytest.raises(YamlFileError) as refused:
        load_yaml(b"a: 1\nb: caf\xe9\n", "notes.yaml")
    assert str(refused.value) == "notes.yaml:2:7: not UTF-8: byte 0xe9; save the file as UTF-8"


def test_a_file_over_one_megabyte_is_refused_without_being_parsed(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(YamlFileError, match="larger than 1,000,000 bytes"):
        load_yaml(file)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(YamlFileError, match="No such file"):
        load_yaml(tmp_path / "none.yaml")


def test_plain_values_keep_their_meaning() -> None:
    text = "a: 1\nb: -0.5\nc: true\nd: null\ne: 'yes'\nf: 2026-01-02\ng: [x, \"12:30\"]\nh: 1e3\ni:\nj: &t hi\nk: *t\n"
    assert load_yaml(text).data == {
        "a": 1, "b": -0.5, "c": True, "d": None, "e": "yes", "f": "2026-01-02",
        "g": ["x", "12:30"], "h": 1000.0, "i": None, "j": "hi", "k": "hi",
    }  # fmt: skip


def test_every_error_of_the_model_names_its_line() -> None:
    text = "rules:\n  - id: a\n    limit: much\n  - id: b\n    limt: 3\n"
    with pytest.raises(YamlFileError) as refused:
        validate_yaml(text, Rules, "rules.yaml")
    assert [(problem.line, problem.reason.split(":")[0]) for problem in refused.value.problems] == [
        (3, "rules.0.limit"),
        (4, "rules.1.limit"),
        (5, "rules.1.limt"),
    ]
    assert "unknown key" in refused.value.problems[2].reason


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(YamlFileError, match="the file is empty"):
        validate_yaml("# only a comment\n", Rules, "rules.yaml")


def test_a_hostile_value_cannot_steer_the_terminal_that_shows_the_error() -> None:
    with pytest.raises(YamlFileError) as refused:
        validate_yaml('rules: "\\e]52;c;AAAA\\a"\n', Rules, "rules.yaml")
    assert str(refused.value).isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_never_anything_else(content: bytes) -> None:
    try:
        load_yaml(content, "fuzz.yaml")
    except YamlFileError as refused:
        assert refused.problems


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=8)),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4)),
        max_leaves=20,
    )
)
def test_json_is_read_as_json(value: object) -> None:
    """JSON written in ASCII is YAML: whatever goes out comes back."""
    import json

    text = json.dumps(value)
    # A lone surrogate escape is no character and YAML refuses it.
    try:
        assert load_yaml(text).data == value
    except YamlFileError as refused:
        assert "\\ud" in text or "surrogate" in str(refused)
