"""Units of pbr_opt.market."""
