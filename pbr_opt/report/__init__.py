"""Telling: comparisons, tables for a screen, and records that others can check."""
