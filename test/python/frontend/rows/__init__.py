"""The behaviour reference of value_and_grad, one row per measured case."""
