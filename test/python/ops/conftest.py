"""The tables beside the tests, and the generators they are compared with, can be imported."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "tools" / "gen")]
