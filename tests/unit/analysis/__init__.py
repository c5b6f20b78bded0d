"""Units of pbr_opt.analysis."""
