"""Puts this folder on the path: worker processes must import the toy estimators by name to unpickle them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
