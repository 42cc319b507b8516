"""Tensor, Parameter and their kin."""
