"""Capture of Python programs into the cell dialect, and the way of an op to its result."""
