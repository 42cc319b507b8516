"""The tests share ascend_sim, and the driver API of the GPU simulator's tests."""
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path[:0] = [str(here), str(here.parent / "gpu_sim")]
