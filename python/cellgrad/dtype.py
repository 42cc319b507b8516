"""The dtypes under their own module, as MindSpore has it: ``from cellgrad import dtype as mstype``."""
from .common.dtype import *  # noqa: F403
