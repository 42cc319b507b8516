"""The optimizers and learning rate schedules of ``nn``, by themselves."""
from .nn import learning_rate_schedule as _schedules
from .nn import optim as _optim

__all__ = [*_optim.__all__, *_schedules.__all__]
for _name in __all__:
    globals()[_name] = getattr(_optim, _name, None) or getattr(_schedules, _name)
