"""Programs beside the package: they use it, it never uses them."""
