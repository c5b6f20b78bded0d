"""Units, in the folders of the package."""
