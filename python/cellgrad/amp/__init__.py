"""Mixed precision: networks that compute in float16 or bfloat16, and losses scaled so that small gradients survive it."""
from .build import build_train_network
from .levels import auto_mixed_precision, custom_mixed_precision, get_black_list, get_white_list
from .loss_scale_manager import DynamicLossScaleManager, FixedLossScaleManager, LossScaleManager
from .loss_scaler import DynamicLossScaler, LossScaler, StaticLossScaler, all_finite

__all__ = ["DynamicLossScaleManager", "DynamicLossScaler", "FixedLossScaleManager", "LossScaleManager", "LossScaler", "StaticLossScaler", "all_finite",
           "auto_mixed_precision", "build_train_network", "custom_mixed_precision", "get_black_list", "get_white_list"]
