"""Generated static inventories, as YAML, JSON or INI, with variables folders beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

GROUPS = ("shops", "north", "south", "tills", "lab")
HOSTS = ("shop-1", "shop-2", "till-1", "a.example.com", "10.0.0.7", "Big_Host")
VARIABLES = ("ansible_host", "ansible_port", "edgewright_target", "edgewright_labels", "ansible_user", "x", "yes_no")

_TEXTS = (
    '10.0.0.1|x86-64-v3|yes|no|on|012|0x1F|1_000|12:30|1.50|~|null|True|false|| edge|a b|a: b|#x|it\'s|say "x"'
    "|2024-01-31|1e3|1.e+3|-5|+7|=|é|a,b|{x"
)
TEXTS = st.sampled_from(_TEXTS.split("|"))
SCALARS = st.one_of(
    TEXTS, st.integers(-(10**6), 10**6), st.booleans(), st.none(), st.floats(-1e6, 1e6).map(lambda f: f // 1)
)
LABELS = st.dictionaries(st.sampled_from(["tier", "ring", "shop"]), SCALARS, max_size=3)
VALUES = st.one_of(SCALARS, SCALARS, LABELS, st.lists(SCALARS, max_size=2))
BODIES = st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=4)
HOST_BODIES = st.one_of(st.none(), BODIES)
PATTERNS = st.one_of(
    st.sampled_from(HOSTS), st.sampled_from(["web[01:03]", "db-[a:c]", "shop-[1:2].x:2222", "till-1:2200"])
)


def group_bodies(names: list[str]) -> st.SearchStrategy[Any]:
    """A group whose children come later in the list, so that nothing is below itself."""
    variables = st.dictionaries(st.sampled_from([*VARIABLES, "ansible_group_priority"]), st.none(), max_size=3)
    filled = variables.flatmap(
        lambda keys: st.fixed_dictionaries(
            {key: st.integers(0, 9) if key == "ansible_group_priority" else VALUES for key in keys}
        )
    )
    parts: dict[str, Any] = {"hosts": st.dictionaries(PATTERNS, HOST_BODIES, max_size=3), "vars": filled}
    if names:
        parts["children"] = st.dictionaries(st.sampled_from(names), st.none(), max_size=2).flatmap(
            lambda chosen: st.fixed_dictionaries(
                {name: group_bodies(names[names.index(name) + 1 :]) for name in chosen}
            )
        )
    return st.one_of(st.none(), st.fixed_dictionaries({}, optional=parts))


DOCUMENTS = st.permutations(GROUPS).flatmap(
    lambda names: st.fixed_dictionaries(
        {"all": group_bodies(list(names))}, optional={names[0]: group_bodies(list(names[1:]))}
    )
)


@st.composite
def ini_texts(draw: st.DrawFn) -> str:
    """An INI inventory whose groups are all declared."""
    names = list(draw(st.permutations(GROUPS)))
    words = st.sampled_from(
        ["10.0.0.1", "012", "0x1F", "1_000", "yes", "True", "None", "a-b", "1.5", "'a b'", '"x"', "[1,2]"]
    )
    pair = st.tuples(st.sampled_from(VARIABLES), words).map("=".join)
    host = st.tuples(PATTERNS, st.lists(pair, max_size=3)).map(lambda h: " ".join([h[0], *h[1]]))
    lines = draw(st.lists(host, max_size=2))
    for index, name in enumerate(names):
        lines += ["", f"[{name}]  # a comment", *draw(st.lists(host, max_size=3)), "; another"]
        lines += [f"[{name}:vars]", *draw(st.lists(pair, max_size=2))]
        later = names[index + 1 :]
        if later:
            lines += [f"[{name}:children]", *draw(st.lists(st.sampled_from(later), max_size=2, unique=True))]
    return "\n".join(lines) + "\n"


FOLDERS = st.fixed_dictionaries(
    {
        "files": st.lists(st.one_of(DOCUMENTS, ini_texts()), min_size=1, max_size=2),
        "as_json": st.booleans(),
        "flow": st.sampled_from([False, None]),
        "group_vars": st.dictionaries(st.sampled_from([*GROUPS, "all", "ungrouped"]), BODIES, max_size=2),
        "host_vars": st.dictionaries(st.sampled_from(HOSTS), BODIES, max_size=2),
        "in_folders": st.booleans(),
    }
)


def write_folder(folder: Path, described: dict[str, Any]) -> None:
    """Write what `FOLDERS` describes."""
    inventory = folder / "inventory"
    inventory.mkdir(parents=True)
    for number, content in enumerate(described["files"]):
        if isinstance(content, str):
            (inventory / f"{number}-hosts.ini").write_text(content, encoding="utf-8")
        elif described["as_json"]:
            (inventory / f"{number}-hosts.json").write_text(json.dumps(content), encoding="utf-8")
        else:
            text = yaml.safe_dump(content, default_flow_style=described["flow"], sort_keys=False, width=40)
            (inventory / f"{number}-hosts.yaml").write_text(text, encoding="utf-8")
    (inventory / "README.md").write_text("not read")
    (inventory / "broken.yaml~").write_text("not: [read")
    for kind in ("group_vars", "host_vars"):
        for name, body in described[kind].items():
            path = inventory / kind / name
            if described["in_folders"]:
                path.mkdir(parents=True)
                (path / "main.yml").write_text(yaml.safe_dump(body))
                (path / "zz.yaml").write_text("x: last\n")
                (path / ".hidden.yml").write_text("x: hidden\n")
            else:
                path.parent.mkdir(exist_ok=True)
                path.with_name(f"{name}.yml").write_text(yaml.safe_dump(body))
                path.with_name(f"{name}.json").write_text('{"x": "yml comes before json"}')
