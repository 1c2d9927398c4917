"""The house rules that a machine can check: who imports whom, and what is public."""

from __future__ import annotations

import ast
import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import interpllm

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("interpllm/**/*.py"), *ROOT.glob("estimators/**/*.py")])

# A room may import rooms of a lower level. `testing` may see everything public, and nobody sees it.
LEVEL = {
    "errors": 0,
    "llm": 2,
    "runtime": 2,
    "propose": 3,
    "answer": 3,
    "select": 3,
    "explain": 4,
    "audit": 4,
    "export": 4,
    "estimators": 5,
    "cli": 6,
    "report": 6,
    "datasets": 1,
    "display": 1,
    "testing": 7,
}
ONE_FILE_LIBRARIES = [
    "httpx",
    "torch",
    "transformers",
    "gguf",
    "safetensors",
    "accelerate",
    "huggingface_hub",
    "imodels",
    "pyarrow",
    "polars",
    "matplotlib",
    "onnx",
    "jinja2",
    "statsmodels",
]
PUBLIC_MODULES = ["", *interpllm._MODULES]


def module_name(path: Path) -> str:
    """Dotted name of a source file as it is imported."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] == "estimators":
        parts.insert(0, "interpllm")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, at the top or inside functions."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                ancestors = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*ancestors, base]).rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str | None:
    """Room of a name of ours; None for the package itself and for other libraries."""
    parts = dotted.split(".")
    if parts[0] != "interpllm" or len(parts) == 1 or parts[1].startswith("__"):
        return None
    home = interpllm._HOME.get(parts[1])
    return home.split(".")[1] if home else parts[1]


def test_every_room_has_a_level() -> None:
    assert {room(module_name(path)) for path in FILES} - {None} <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_towards_the_errors(path: Path) -> None:
    here = room(module_name(path))
    wrong = [
        name
        for name in imports(path)
        if (there := room(name)) is not None
        and there != here
        and (here is None or there == "testing" or LEVEL[there] >= LEVEL[here])
    ]
    assert not wrong


def test_runtime_imports_only_the_standard_library_and_errors() -> None:
    found = {name for path in FILES if room(module_name(path)) == "runtime" for name in imports(path)}
    foreign = {
        name
        for name in found
        if name.split(".")[0] not in sys.stdlib_module_names and room(name) not in ("runtime", "errors")
    }
    assert not foreign


def test_the_door_to_language_models_imports_only_errors_of_ours() -> None:
    found = {room(name) for path in FILES if room(module_name(path)) == "llm" for name in imports(path)}
    assert found - {None, "llm"} == {"errors"}


def test_estimators_are_imported_by_absolute_names() -> None:
    relative = [
        (path.name, node.lineno)
        for path in ROOT.glob("estimators/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("library", ONE_FILE_LIBRARIES)
def test_library_is_imported_in_one_file(library: str) -> None:
    users = [module_name(p) for p in FILES if any(n.split(".")[0] == library for n in imports(p))]
    assert len(users) <= 1


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_all_is_sorted_and_resolves(name: str) -> None:
    module = importlib.import_module(f"interpllm.{name}".rstrip("."))
    names = getattr(module, "__all__", [])
    assert list(names) == sorted(set(names))
    assert [n for n in names if not hasattr(module, n)] == []


def test_every_package_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    packages = {module_name(path) for path in FILES if path.name == "__init__.py"}
    assert sorted(declared) == sorted(packages)


def test_core_versions_are_pinned() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for rs in project["optional-dependencies"].values() for r in rs)]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
