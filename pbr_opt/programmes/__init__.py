"""Evidence: programmes as data, one folder each, and how such folders are read."""
