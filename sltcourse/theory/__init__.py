"""Exact mathematics of singular models: numpy, scipy and sympy only."""
