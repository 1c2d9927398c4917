"""The runtime needs the standard library and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import interpllm
from interpllm.runtime import ConceptLinear, LinearModel, Question, save

# Run by a bare interpreter (no site packages, no environment). It sees the standard library, and the one
# folder that holds interpllm; numpy is blocked by name too, in case it stands there as well.
ALONE = """
import sys
sys.modules["numpy"] = None
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
from interpllm import runtime
model = runtime.load(sys.argv[2])
texts = ["Great!", "not great", ""]
assert model.predict(texts) == ["good", "bad", "bad"], model.predict(texts)
assert len(model.predict_proba(texts)) == len(model.explain(texts)) == 3
assert len(model.rules()) == 2 and str(model)
runtime.save(model, sys.argv[2])
concepts = runtime.load(sys.argv[3])
assert concepts.predict(["Great!", ""]) == ["good", "bad"]
assert len(concepts.explain(["Great!"])) == len(concepts.rules()) == 1 and str(concepts)
assert len(runtime.ConceptSet.from_json(runtime.ConceptSet.of(["Is it good?"]).to_json())) == 1
ours = ("interpllm", "interpllm.errors", "interpllm.runtime")
strangers = [
    name for name in set(sys.modules) - before
    if name.split(".")[0] not in sys.stdlib_module_names
    and name not in ours and not name.startswith("interpllm.runtime.")
]
assert not strangers, strangers
"""


def test_load_predict_explain_save_run_with_the_standard_library_alone(tmp_path: Path) -> None:
    model = LinearModel(
        task="classification",
        classes=("bad", "good"),
        ngram_range=(1, 2),
        intercept=(-0.5,),
        weights={"great": (2.0,), "not great": (-3.0,)},
    )
    path = save(model, tmp_path / "model.json")
    stand_in = LinearModel(
        task="classification", classes=(False, True), intercept=(-1.0,), weights={"great": (2.0,)}
    )
    question = Question.of("Is it good?")
    concepts = ConceptLinear(
        task="classification",
        classes=("bad", "good"),
        intercept=(-0.5,),
        questions=(question,),
        weights=((1.0,),),
        means=(0.5,),
        stand_ins={question.id: stand_in},
    )
    other = save(concepts, tmp_path / "concepts.json")
    folder = Path(interpllm.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE, str(folder), str(path), str(other)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
