"""Pre-flight checks: what a command finds out before it loads anything heavy, one call a command."""
