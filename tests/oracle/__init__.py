"""Independent computations of the same answers."""
