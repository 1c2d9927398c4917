"""A folder for what is being pulled, which goes away however the pull ends."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".pulling-"
_STALE_SECONDS = 6 * 3600


@contextmanager
def staging(models: Path) -> Iterator[Path]:
    """A new folder in ``models`` that is removed at the end, on SIGTERM too; what SIGKILL left is swept."""
    _sweep(models)
    owner = f"{_PREFIX}{os.getpid()}@{platform.node()}-"
    with _leaving_when_told(), tempfile.TemporaryDirectory(prefix=owner, dir=models) as room:
        yield Path(room)


def _sweep(models: Path) -> None:
    """Remove the folders of processes that are gone; of those that cannot be told, the old ones."""
    for left in models.glob(f"{_PREFIX}*"):
        pid, _, host = left.name.removeprefix(_PREFIX).rpartition("-")[0].partition("@")
        with suppress(FileNotFoundError):  # another pull sweeps too
            gone = host == platform.node() and not _runs(int(pid))
            if gone or time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _runs(pid: int) -> bool:
    """Whether there is such a process on this machine; True on Windows, where asking would end it."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True


@contextmanager
def _leaving_when_told() -> Iterator[None]:
    """Meanwhile SIGTERM is an exception, so that pip is stopped and the folder removed."""

    def leave(number: int, frame: object) -> None:
        sys.exit(128 + number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield  # whoever handles it decides
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
