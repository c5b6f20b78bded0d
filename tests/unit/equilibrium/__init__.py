"""Units of pbr_opt.equilibrium."""
