"""Cells: layers, losses, optimizers."""
from .activation import *
from .basic import *
from .cell import Cell
from .container import CellDict, CellList, SequentialCell
from .conv import Conv2d
from .learning_rate_schedule import *
from .loss import *
from .loss_scale import *
from .normalization import *
from .optim import *
from .pooling import *
from .wrap import *
