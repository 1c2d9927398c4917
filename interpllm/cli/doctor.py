"""``interpllm doctor``: what is installed here, and what a language model can really do."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib import metadata
from typing import Any

from interpllm import __version__
from interpllm.cli.options import add_json, add_llm
from interpllm.cli.terminal import safe, table

HELP = "check the installation, or with --llm find out what a language model can really do"
EXAMPLE = """\
  interpllm doctor
  interpllm doctor --llm http://localhost:8000/v1 --model NAME"""

_CORE = ("numpy", "scipy", "scikit-learn", "pandas", "httpx", "tqdm")
_EXTRAS = {"local": ("torch", "transformers", "accelerate", "gguf", "safetensors"), "parquet": ("pyarrow",)}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_llm(command, default=None, none=False)
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Look at the installation, or ask the language model."""
    if args.llm is not None:
        _examine(args)
        return
    found = installation()
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(f"interpllm {__version__}, Python {found['python']} on {found['platform']}")
    rows = [
        (name, version or "-", _needed_for(name, version)) for name, version in found["libraries"].items()
    ]
    print(table(("library", "version", ""), rows))
    print(f"\ncache folder: {found['cache']}{'' if found['cache_writable'] else '   CANNOT BE WRITTEN'}")
    for name, path in found["models"].items():
        print(f"model {name}: {path or f'not here; bring it with: interpllm models pull {name}'}")


def installation() -> dict[str, Any]:
    """What is installed, with None for what is not."""
    from interpllm.llm import cache_folder, zoo

    folder = cache_folder()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    libraries = [*_CORE, *(name for names in _EXTRAS.values() for name in names)]
    return {
        "interpllm": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "libraries": {name: _version(name) for name in libraries},
        "cache": str(folder),
        "cache_writable": os.access(nearest, os.W_OK),
        "models": {m.name: str(m.folder) if m.pulled else None for m in zoo.list_models()},
    }


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _needed_for(library: str, version: str | None) -> str:
    if version is not None:
        return ""
    extra = next((extra for extra, names in _EXTRAS.items() if library in names), None)
    wanted = f"interpllm[{extra}]" if extra else "interpllm"
    return f"missing; pip install '{wanted}'"


def _examine(args: argparse.Namespace) -> None:
    from interpllm.llm import connect

    # Anew, since what it did last time is no answer to what it does now; and who asks whether a server is
    # there does not want to wait long for one that is not.
    with connect(args.llm, model=args.llm_model, cache=args.cache, mode="refresh", max_retries=2) as session:
        print("asking a few small questions ...", file=sys.stderr)
        result = session.probe()
    if args.json:
        print(json.dumps(result.as_dict(), indent=2, ensure_ascii=False, default=str))
        return
    print(", ".join(f"{name} {safe(value)}" for name, value in result.identity.items()))
    rows = [(row["feature"], row["verdict"], f"{row['seconds']:.2f}", row["detail"]) for row in result.rows()]
    print(table(("feature", "verdict", "seconds", "what was seen"), rows, right=("seconds",)))
    for sentence in result.advice:
        print(f"- {sentence}")
