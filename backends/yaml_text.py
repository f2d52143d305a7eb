"""YAML that means the same to every reader, with the file, line and column of everything that is wrong.

Read from composed nodes, not by a constructor: what YAML 1.1 and 1.2 understand differently (`yes`, `on`, `12:30`,
`010`, `1_000`) is refused instead of guessed, as are duplicate keys, tags, merge keys, several documents and anything
that grows or nests without bound. Dates stay text; the model that takes them decides.
"""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import Reader

from backends.plain_file import A_LINK, of_a_group
from backends.text import displayable

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000
"""Values after aliases are expanded."""

PathInFile = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

# The C loader carries the same marks; a wheel without libyaml falls back to the Python one.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_OLD_BOOLEAN: Final = re.compile(r"(?i:yes|no|on|off)")
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ODD_NUMBER: Final = re.compile(r"(?i:[-+]?(0[0-9_]+|0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+|[0-9]+(_[0-9]+)+(\.[0-9_]*)?)|[-+]?\.inf|\.nan)")


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """One thing wrong at one place. Lines and columns count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        where = f":{self.line}:{self.column}" if self.line else ""
        return f"{displayable(self.file)}{where}: {displayable(self.reason)}"


class YamlFileError(ValueError):
    """A file that was not taken; `problems` has every place that could be named."""

    def __init__(self, problems: list[YamlProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class YamlText:
    """Plain data (dict, list, str, int, float, bool, None) and where each value stands."""

    data: Any
    places: dict[PathInFile, tuple[int, int]]
    """(line, column) of a mapping's key or a list's item, by its path."""
    file: str

    def place(self, location: PathInFile) -> tuple[int, int]:
        """The place of `location`, or of its nearest parent that is in the file.

        Elements that are not in the file are passed over: pydantic adds the names of union members to its locations.
        """
        path: PathInFile = ()
        for element in location:
            if (*path, element) in self.places:
                path = (*path, element)
        return self.places.get(path, (1, 1))

    def problem(self, location: PathInFile, reason: str) -> YamlProblem:
        line, column = self.place(location)
        return YamlProblem(self.file, line, column, reason)


def load_yaml(source: Path | str | bytes, name: str | None = None) -> YamlText:
    """Read one YAML document from a file (`Path`) or from text.

    Raises YamlFileError with file, line and column; a file that cannot be opened is refused the same way, at line 0.
    """
    file = name or (str(source) if isinstance(source, Path) else "<text>")
    text = _decoded(_content(source, file), file)
    try:
        _check_shape(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise YamlFileError([_syntax_problem(error, file)]) from error
    reader = _NodeReader(file)
    data = None if node is None else reader.value(node, (), 0)
    if node is not None:
        reader.places[()] = _position(node)
    return YamlText(data, reader.places, file)


def validate_yaml(source: Path | str | bytes, model: type[M], name: str | None = None) -> M:
    """Read YAML and make it a `model`. Raises YamlFileError with one problem for each error, in the order of the file."""
    return validated(load_yaml(source, name), model)


def validated(loaded: YamlText, model: type[M]) -> M:
    """Make data that was read by `load_yaml` a `model`. Raises YamlFileError."""
    if loaded.data is None:
        raise YamlFileError([YamlProblem(loaded.file, 1, 1, "the file is empty")])
    try:
        return model.model_validate(loaded.data)
    except ValidationError as error:
        every = error.errors(include_url=False)
        # An entry that is wrong is not counted, so that its list is called too short as well: the entry is what is to be mended.
        said = [found for found in every if found["type"] != "too_short" or not any(_within(other["loc"], found["loc"]) for other in every)]
        problems = [loaded.problem(found["loc"], _plain_reason(found)) for found in said]
        raise YamlFileError(sorted(problems, key=lambda problem: (problem.line, problem.column))) from error


def _within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _content(source: Path | str | bytes, file: str) -> bytes:
    if isinstance(source, Path):
        shared = False
        try:
            if not source.is_file() and source.exists():
                # Opening a named pipe would wait for its writer, and every action waits for the policies.
                raise YamlFileError([YamlProblem(file, 0, 0, "no regular file: move it away")])
            # Even one that was put in its place just now is not waited for.
            shared = of_a_group(source.parent)
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if shared else 0)
            with os.fdopen(os.open(source, flags), "rb") as handle:
                content = handle.read(MAX_BYTES + 1)
        except OSError as error:
            if shared and error.errno == errno.ELOOP:
                # Whoever reads it would tell the group, in what is wrong with it, what stands in a file of their own.
                raise YamlFileError([YamlProblem(file, 0, 0, A_LINK)]) from None
            raise YamlFileError([YamlProblem(file, 0, 0, f"cannot be read: {error.strerror or error}")]) from error
    else:
        content = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if len(content) > MAX_BYTES:
        raise YamlFileError([YamlProblem(file, 0, 0, f"larger than {MAX_BYTES:,} bytes; split it")])
    return content


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        reason = f"not UTF-8: byte 0x{content[error.start]:02x}; save the file as UTF-8"
        raise YamlFileError([YamlProblem(file, line, column, reason)]) from error


def _check_shape(text: str, file: str) -> None:
    """Refuse control characters, tags, directives and further documents, and bound depth: before anything recurses."""
    control = Reader.NON_PRINTABLE.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise YamlFileError([YamlProblem(file, line, column, f"the control character U+{ord(control[0]):04X}; remove it")])
    depth = 0
    documents = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        mark = event.start_mark

        def refused(reason: str, mark: Any = mark) -> YamlFileError:
            return YamlFileError([YamlProblem(file, mark.line + 1, mark.column + 1, reason)])

        if count > 2 * MAX_NODES:
            raise refused(f"more than {MAX_NODES:,} values")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise refused("a second document; one file holds one document")
            if event.version or event.tags:
                raise refused("a YAML directive; remove the line that starts with %")
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise refused(f"nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise refused(f"the tag {tag}; tags are not used here, write the plain value")


def _syntax_problem(error: yaml.YAMLError, file: str) -> YamlProblem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.problem, f"({error.context})" if error.context else "") if part)
        if mark is not None:
            return YamlProblem(file, mark.line + 1, mark.column + 1, reason)
        return YamlProblem(file, 0, 0, reason)
    return YamlProblem(file, getattr(error, "line", None) or 0, 0, str(error).split("\n", 1)[0])


def _position(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _NodeReader:
    """Turns composed nodes into plain data; counts values so that a small file of aliases cannot grow large."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[PathInFile, tuple[int, int]] = {}
        self.seen = 0

    def refused(self, node: Node, reason: str) -> YamlFileError:
        line, column = _position(node)
        return YamlFileError([YamlProblem(self.file, line, column, reason)])

    def value(self, node: Node, path: PathInFile, depth: int) -> Any:
        self.seen += 1
        if self.seen > MAX_NODES:
            raise self.refused(node, f"aliases expand to more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise self.refused(node, f"nested deeper than {MAX_DEPTH} levels (an alias that contains itself?)")
        if isinstance(node, MappingNode):
            return dict(self.items(node, path, depth))
        if isinstance(node, SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self.places[(*path, index)] = _position(item)
                items.append(self.value(item, (*path, index), depth + 1))
            return items
        return self.scalar(node)

    def items(self, node: MappingNode, path: PathInFile, depth: int) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self.refused(key_node, "a list or mapping as a key; keys are text")
            if key_node.value == "<<" and not key_node.style:
                raise self.refused(key_node, "the merge key <<; write the keys out")
            key = self.scalar(key_node)
            if not isinstance(key, str):
                raise self.refused(key_node, f"the key {key_node.value} is not text; write it in quotes")
            if key in first:
                raise self.refused(key_node, f"the key {key!r} stands here a second time, first in line {first[key]}")
            first[key] = key_node.start_mark.line + 1
            self.places[(*path, key)] = _position(key_node)
            yield key, self.value(value_node, (*path, key), depth + 1)

    def scalar(self, node: Node) -> str | int | float | bool | None:
        text: str = node.value
        if getattr(node, "style", None):
            return text
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _OLD_BOOLEAN.fullmatch(text):
            raise self.refused(node, f'{text} means true or false to some readers; write true, false or "{text}"')
        if _SEXAGESIMAL.fullmatch(text):
            raise self.refused(node, f'{text} is a number in base 60 to some readers; write "{text}"')
        if _INTEGER.fullmatch(text):
            # Never made a number of before it is known to be short: that takes time with the square of its digits.
            number_or_none = int(text) if len(text.lstrip("+-")) <= len(str(2**63)) else None
            if number_or_none is None or not -(2**63) <= number_or_none < 2**63:
                raise self.refused(node, "a whole number of more than 64 bits")
            return number_or_none
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isinf(number):
                raise self.refused(node, f"{text[:40]} is too large for a number")
            return number
        if _ODD_NUMBER.fullmatch(text):
            raise self.refused(node, f"{text[:40]} is read differently by different readers; write a plain decimal or quote it")
        return text


def _plain_reason(found: Any) -> str:
    where = ".".join(str(element) for element in found["loc"]) or "the file"
    kind = found["type"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key"
    if kind == "missing":
        return f"{where}: missing"
    message = str(found["msg"]).removeprefix("Value error, ")
    shown = found.get("input")
    if isinstance(shown, str | int | float | bool) and kind != "value_error":
        return f"{where}: {message}, not {str(shown)[:60]!r}"
    return f"{where}: {message}"
