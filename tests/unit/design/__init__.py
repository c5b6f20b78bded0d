"""Units of pbr_opt.design."""
