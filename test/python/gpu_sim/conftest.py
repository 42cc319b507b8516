"""The tests share sim_driver."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
