"""Units of pbr_opt.programmes."""
