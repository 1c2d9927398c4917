"""Where things that can be made again are kept on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of models and stored replies; it may not exist yet.

    Returns
    -------
    pathlib.Path
        ``$INTERPLLM_CACHE`` when set, else ``interpllm`` in the platform's user cache folder.
    """
    chosen = os.environ.get("INTERPLLM_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "interpllm"
