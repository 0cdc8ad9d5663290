"""Lines of TOML values: the scanner agrees with tomllib about what is there, and knows where."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli import layouts
from jwo_cli.layouts.save_fixtures import text
from jwo_cli.layouts.toml_lines import Path, value_lines

TOML = '''\
# comment [not.a.table]
a = 1  # = 2
"quoted.key".b = """
many
lines ""here"" """
[t.u]
x = [1, # one
  [2, 3], { y = "]" },
]
[[f]]
[[f.g]]
k = 'a # no comment'
[[f.g]]
k = 1979-05-27T07:32:00Z
[f.g.z]
w = """x"""
[[f]]
[[f.g]]
'''


def paths(value: object, path: Path = ()) -> list[Path]:
    """Every path in parsed TOML."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*path, key))
    return found


def test_every_value_has_its_line() -> None:
    """Tables, dotted and quoted keys, nested arrays, inline tables, multi-line strings, arrays of tables."""
    lines = value_lines(TOML)
    assert lines[("a",)] == 2
    assert lines[("quoted.key", "b")] == 3
    assert lines[("t", "u", "x", 1, 1)] == 8
    assert lines[("t", "u", "x", 2, "y")] == 8
    assert lines[("f", 0, "g", 1)] == 13
    assert lines[("f", 0, "g", 1, "k")] == 14
    assert lines[("f", 0, "g", 1, "z", "w")] == 16
    assert lines[("f", 1, "g", 0)] == 18


def test_nothing_is_missed() -> None:
    """Every path that tomllib sees has a line, but for tables that are only implied by a dotted header."""
    for content in (TOML, *(file.read_text() for file in layouts.bundled().values())):
        lines = value_lines(content)
        missing = [path for path in paths(tomllib.loads(content)) if path not in lines]
        assert [path for path in missing if path != ("t",)] == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_strings_hide_nothing(values: list[str]) -> None:
    """Whatever stands in strings, the key after them is found on its line; `text` is read back by tomllib."""
    content = "".join(f"k{index} = {text(value)}\n" for index, value in enumerate(values)) + "last = [1]\n"
    assert [tomllib.loads(content)[f"k{index}"] for index in range(len(values))] == values
    assert value_lines(content)[("last", 0)] == len(values) + 1
