"""Tests that the documentation says what the package does."""
