"""Tests of pbr_opt."""
