"""Planted rows of other rooms' tests."""

from __future__ import annotations

import sys
from pathlib import Path

# For the fake model that proposes and answers questions, tests/concept_oracle.py.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
